"""Runs the tool: `python -m cad.ctl`."""

from cad.ctl.main import main

if __name__ == "__main__":
    main()
