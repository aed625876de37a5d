"""Floor 2: training of brain-aligned models.

Nothing is imported here, so that `import brainscore_realnet.training` does not cost an import of torch:

- `losses`: equations 1–5 of the paper, CKA; `soft_ranks`: what makes Spearman correlations differentiable
- `images`, `batches`: images decoded once, and normalised batches of them on any device
- `recipes`: every number of a training; `data`: what it trains on; `reading`: from data sets to that; `leakage`: the
  guard against test images; `division`: which concepts are held out, and the derangement
- `runs`: from a recipe to a model in the store
- `trainer`: the loop; `steps`: one step, plain or as a CUDA graph; `run_state`: what it changes; `teacher`: the labels
  to keep; `devices`: where it runs; `checkpoints`: what an interrupted training goes on from
- `held_out`, `validation`: how the network does on held-out concepts; `watching`, `figures`: what can be seen of it
- `plan`, `sweep`: many models; `clusters`: where they train; `child`: one training in a process of its own;
  `outcomes`: what became of each
"""
