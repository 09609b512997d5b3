"""Packages, of files and of algorithms: download, verify, install, uninstall."""
