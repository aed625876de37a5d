"""What runs in the overlay of the library: questions put to plugins, their tests, and a guard over what they do.

The folder is copied into the overlay as `submission_probes`; nothing here imports the rest of this package.
"""
