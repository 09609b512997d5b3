"""The commands of cadctl, one module for each subject."""
