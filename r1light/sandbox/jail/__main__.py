"""Starts a fork server; the argument is the descriptor of its socket."""

import sys
from pathlib import Path

if __name__ == "__main__":
    _root = str(Path(__file__).resolve().parents[3])
    sys.path.append(_root)  # last: an installed package must not stand in for the standard library
    from r1light.sandbox.jail.launcher import main

    sys.path.remove(_root)
    main(int(sys.argv[1]))
