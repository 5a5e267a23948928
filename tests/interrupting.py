"""Ctrl-C while a program imports a chosen module."""

CTRL_C_AT_AN_IMPORT = """
import os, sys

module = sys.argv.pop(1)

class Interrupt:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), 2)

sys.meta_path.insert(0, Interrupt)
"""  # the first argument names the module; the program follows

CTRL_C_AT_AN_IMPORT_OF_THE_PROGRAM = CTRL_C_AT_AN_IMPORT + "from picsight.__main__ import main\nmain()\n"
