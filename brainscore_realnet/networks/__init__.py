"""Backbones, the generation head that turns their features into brain signals, and the checkpoints of both.

Nothing is imported here, so that `import brainscore_realnet.networks` does not cost an import of torch:

- `cornet_s`: `CORnetS`, its four `AREAS`
- `generation_head`: `GenerationHead`
- `recording`: `recorded_layers`, the outputs of named layers during a forward pass
- `checkpoints`: `read_checkpoint`, `split_state_dict`, `load_backbone`
- `clip_rn101`: the visual tower of CLIP RN101
- `backbones`: `backbone`, `build`, the table of backbones with their areas and published weights
- `families`: networks of torchvision, timm and open_clip by name
- `pretrained`: `pretrained`, where weights are found
- `published`: addresses and hashes of published weights
"""
