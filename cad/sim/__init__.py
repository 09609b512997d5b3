"""Reference platform and cameras, for acceptance on site, demonstrations and tests."""
