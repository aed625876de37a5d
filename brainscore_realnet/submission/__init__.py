"""Submissions to Brain-Score.

- `layout`: a submission as plugins and files, as the folder and the zip that Brain-Score takes; `uploads`: what is too
  large for it and lies in the storage;
- `exporting/`: models and benchmarks of this package as plugins that stand alone;
- `checking/`: whether a submission, whoever made it, will pass.
"""
