"""The program `picsight`. Worker processes import this module too, so nothing heavy is imported or done at its top."""

# Only what Python itself has loaded already, and not even `__future__`: Ctrl-C during an import would be a traceback.
import os
import sys

INTERRUPTED = 130


def main() -> int:
    """Runs the command line that was typed and returns its exit code; a command ends the process itself.

    Ctrl-C ends the program at once and silently before the command line can answer it and after it has; between
    the two `run` does, with a word.
    """
    try:
        sys.unraisablehook = _end_if_interrupted
        _end_at_interrupt()
        from picsight.cli.program import run  # click: 30 ms that a worker process does not pay

        code = run(sys.argv[1:])
        _end_at_interrupt()
    except KeyboardInterrupt:  # in the moment in which one way of answering takes over from the other
        os._exit(INTERRUPTED)
    if sys.argv[1:]:
        _end(code)
    return code


def _end_at_interrupt() -> None:
    """From here on Ctrl-C and SIGTERM end the process at once, unless whoever started it has them ignored."""
    import signal  # 2 ms that a worker process does not pay

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end_now)


def _end_now(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)


def _end_if_interrupted(fault: "sys.UnraisableHookArgs") -> None:
    """Where Ctrl-C comes in a callback from which nothing can be raised, it would be lost, and a traceback printed."""
    if issubclass(fault.exc_type, KeyboardInterrupt):
        os._exit(INTERRUPTED)
    sys.__unraisablehook__(fault)


def _end(code: int) -> None:
    """Ends the process at once: all is closed and written, and the interpreter's own tidying up takes 45 ms."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:  # nobody reads any more
            continue
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
