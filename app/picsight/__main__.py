"""The program `picsight`. Worker processes import this module too, so its top level imports and does nothing heavy."""

# Only modules that Python has already loaded, not even `__future__`: Ctrl-C during an import prints a traceback.
import os
import sys

INTERRUPTED = 130


def main() -> int:
    """Runs the command line and returns its exit code; a command ends the process itself.

    Ctrl-C before and after `run` ends the program at once and silently. During `run`, it is reported in a sentence.
    """
    try:
        if getattr(sys, "frozen", False):
            from multiprocessing import freeze_support  # in a frozen program, workers start here too

            freeze_support()
        sys.unraisablehook = _end_if_interrupted
        _end_at_interrupt()
        from picsight.cli.program import run  # click: 30 ms that a worker process does not pay

        code = run(sys.argv[1:])
        _end_at_interrupt()
    except KeyboardInterrupt:  # between two signal handlers
        os._exit(INTERRUPTED)
    if sys.argv[1:]:
        _end(code)
    return code


def _end_at_interrupt() -> None:
    """Makes Ctrl-C and SIGTERM end the process at once, unless the parent process had them ignored."""
    import signal  # 2 ms that a worker process does not pay

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end_now)


def _end_now(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)


def _end_if_interrupted(fault: "sys.UnraisableHookArgs") -> None:
    """Handles Ctrl-C in a callback that cannot raise; otherwise it would be lost and a traceback printed."""
    if issubclass(fault.exc_type, KeyboardInterrupt):
        os._exit(INTERRUPTED)
    sys.__unraisablehook__(fault)


def _end(code: int) -> None:
    """Ends the process at once: everything is closed and written, and the interpreter's shutdown takes 45 ms."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:  # the reader has closed the stream
            continue
    os._exit(code)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # on the way into `main`
        os._exit(INTERRUPTED)
