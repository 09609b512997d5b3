"""Runs the daemon: `python -m cad.daemon`."""

from cad.daemon.main import main

if __name__ == "__main__":
    main()
