"""Alignment training: a pretrained network learns to generate brain signals while it keeps its own labels.

Lu et al., ReAlnet, arXiv 2401.17231, §2.3; the losses are those of `training.losses`. A step is one forward pass in
which the outputs of some layers are kept: the network's logits give L^C against the labels of the pretrained network,
the kept features give through a head the signals of L^G.
"""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.backbones import backbone as described
from brainscore_realnet.networks.recording import recorded_layers
from brainscore_realnet.store import require_space
from brainscore_realnet.training import checkpoints
from brainscore_realnet.training.batches import to_device
from brainscore_realnet.training.captured import fastest_step
from brainscore_realnet.training.checkpoints import Interrupted, Origin, Stop
from brainscore_realnet.training.data import AcrossSubjects, TrainingData
from brainscore_realnet.training.devices import arithmetic, checked_device, memory_layout, own_randomness
from brainscore_realnet.training.division import holdout
from brainscore_realnet.training.held_out import HeldOut, examples, released_selection, training_signals, validated
from brainscore_realnet.training.images import ImageCache
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.run_state import MILDER, PARTS, RunState, Trained
from brainscore_realnet.training.steps import Objective, Step
from brainscore_realnet.training.teacher import teacher_labels, weights_sha256
from brainscore_realnet.training.watching import Watcher

CHECKPOINT_SECONDS = 600
"""A checkpoint is written when the last one is older, however few steps were done."""

_LOOKED_AT_EVERY = 20  # steps from one look at the losses to the next: each look waits for the device
_TENSORS_A_WEIGHT = 4  # itself, two means of Adam, and the best validation one
_logger = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    network: nn.Module,
    data: TrainingData | AcrossSubjects,
    cache: ImageCache,
    run: str | Path,
    *,
    device: str | torch.device | None = None,
    progress: bool = True,
    until: int | None = None,
    selection: tuple[TrainingData | AcrossSubjects, ImageCache] | None = None,
) -> Trained:
    """Train a network by a recipe, or go on where an interrupted training in the same folder stopped.

    Two trainings on one device with the same arguments, and on a CPU with the same number of threads, end with the same
    weights, interrupted or not. With ``recipe.reference``, what the released code does otherwise is done and named in
    the log.

    Parameters
    ----------
    recipe : Recipe
    network : nn.Module
        The pretrained backbone; images to logits (n, classes). It is not changed: a copy is trained.
    data : TrainingData or AcrossSubjects
        From `training_data(recipe)`. Across subjects, one backbone gets a head for each, and L^G is their mean.
    cache : ImageCache
        The images of `data`, in the same order and of the recipe's size.
    run : path
        Folder of this training alone, for checkpoints and what `training.watching` writes.
    device : str or torch.device, optional
        Default: a GPU if there is one.
    progress : bool
        Show a progress bar.
    until : int, optional
        Stop after so many steps in all, as if a signal had asked for it.
    selection : tuple of TrainingData or AcrossSubjects, and ImageCache, optional
        Test images, from `selection_data`, for ``recipe.reference`` alone: validation is on them, not on held-out
        concepts.

    Returns
    -------
    Trained

    Raises
    ------
    Interrupted
        SIGTERM, SIGINT or SIGUSR1 came, or `until` was reached; a checkpoint was written.
    BadInputError
        Arguments do not fit each other, the device is not there or has no bfloat16, the folder holds another training,
        or a loss is not finite (the batch is named; the last checkpoint stays).
    StoreError
        Another trainer uses the folder, or too little space (said before training starts).
    """
    run = Path(run)
    place, about = checked_device(device, recipe.precision), described(recipe.backbone)
    _refuse_misfits(recipe, data, cache)
    origin = Origin(recipe, data.sha256, cache.sha256, weights_sha256(network))
    with ExitStack() as stack:
        stack.enter_context(checkpoints.only_trainer(run))
        stop = stack.enter_context(checkpoints.stop_signals())
        stack.enter_context(arithmetic(place))
        stack.enter_context(own_randomness(recipe.seed, place))
        run_state = RunState(recipe, network, data, place)
        _require_space(run, run_state)
        cache = to_device(cache, place)
        label = partial(
            teacher_labels, network, device=place, about=about, stop=stop, network_sha256=origin.network_sha256
        )
        saved = checkpoints.load(run, origin)
        if saved is not None:
            run_state.restore(saved)
            _logger.info("going on after step %d of the training in %s", run_state.step, run)
        features = stack.enter_context(recorded_layers(run_state.backbone, run_state.layers))
        labels = label(cache)
        training, rows = holdout(data.concepts, recipe.holdout, recipe.seed)
        signals = training_signals(recipe, data, training, place)
        held_out = HeldOut(data.images, data.concepts, cache, rows, labels, signals)
        if selection is not None:
            held_out = released_selection(recipe, *selection, label, place)
        teacher = _as_released(recipe, network, place) if recipe.reference else None
        objective = Objective(recipe, run_state, features, labels, signals, teacher)
        writer = checkpoints.Writer(run, origin)
        stack.callback(writer.close)
        watcher = stack.enter_context(Watcher(run, run_state.step))
        trainer = _Trainer(data.images, cache, training, held_out, objective, writer, watcher, stop)
        trainer.train_epochs(until, progress)
        return run_state.trained(examples(objective, held_out))


def epoch_order(n_images: int, seed: int, epoch: int) -> np.ndarray:
    """Give the order of images in an epoch, (n_images,) int64; it depends on seed and epoch alone."""
    return np.random.default_rng([seed, 3, epoch]).permutation(n_images)


class _Trainer:
    """The loop over epochs and steps."""

    def __init__(
        self,
        images: tuple[Path, ...],
        cache: ImageCache,
        training: np.ndarray,
        held_out: HeldOut,
        objective: Objective,
        writer: checkpoints.Writer,
        watcher: Watcher,
        stop: Stop,
    ) -> None:
        self.recipe, self.objective, self.state = objective.recipe, objective, objective.state
        self.images, self.cache, self.training, self.held_out = images, cache, training, held_out
        self.writer, self.watcher, self.stop = writer, watcher, stop
        n_full, n_last = divmod(len(training), self.recipe.batch_size)
        self.n_batches = n_full + (n_last > 1)
        if not self.n_batches:
            raise BadInputError(
                f"Got {len(self.training)} image to train on: expected at least 2, as batch norm and the contrastive "
                "term compare images. Train on more images."
            )
        if n_last == 1:
            _logger.info("each epoch leaves out 1 image, since the last batch cannot be of one image")
        self.change_weights: Step | None = None
        self.unseen: list[tuple[int, Tensor, Tensor]] = []  # step, rows and parts of the loss that none looked at yet
        self.seen_at, self.saved_at = time.perf_counter(), time.monotonic()

    def train_epochs(self, until: int | None, progress: bool) -> None:
        """Train until all epochs are done, and leave a checkpoint of the end."""
        from tqdm import tqdm

        state, finished = self.state, self.recipe.epochs
        an_epoch = min(len(self.training), self.n_batches * self.recipe.batch_size)
        done = len(state.curves) * an_epoch + (state.step - len(state.curves) * self.n_batches) * self.recipe.batch_size
        self._stop_if_asked(until)
        with tqdm(total=finished * an_epoch, initial=done, unit="image", disable=not progress) as bar:
            while len(state.curves) < finished:
                start = time.perf_counter()
                for rows, images in self._batches_left():
                    self._step(rows, images)
                    state.seconds, start = state.seconds + time.perf_counter() - start, time.perf_counter()
                    bar.update(len(rows))
                    if state.step % _LOOKED_AT_EVERY == 0:
                        bar.set_postfix(self._look())
                    self._stop_if_asked(until)
                    late = time.monotonic() - self.saved_at > CHECKPOINT_SECONDS
                    if late or state.step % self.recipe.checkpoint_every == 0:
                        self._save()
                self._look()
                self._end_epoch()
                state.seconds += time.perf_counter() - start
                if len(state.curves) == finished:
                    self._save()
        self.writer.finish()

    def _batches_left(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Give indices (n,) and pixels (n, 3, size, size) of the batches that are left in this epoch."""
        size, epoch = self.recipe.batch_size, len(self.state.curves)
        first = self.state.step - epoch * self.n_batches
        order = self.training[epoch_order(len(self.training), self.recipe.seed, epoch)]
        order = order[first * size : self.n_batches * size]
        rows = torch.from_numpy(order).to(self.state.device).split(size) if len(order) else ()
        self.state.backbone.train()
        return zip(rows, self.objective.pixels(self.cache, order, size), strict=True)

    def _step(self, rows: Tensor, images: Tensor) -> None:
        """Change the weights once."""
        try:
            if self.change_weights is None and len(rows) == min(self.recipe.batch_size, len(self.training)):
                self.change_weights = fastest_step(self.objective, rows, images)
            parts = (self.change_weights or self.objective.step)(rows, images)
        except (BadInputError, torch.OutOfMemoryError) as error:
            raise BadInputError(f"{_explained(error)} {self._where(self.state.step + 1, rows)}") from error
        self.state.step += 1
        self.state.sums += parts
        self.unseen.append((self.state.step, rows, parts))

    def _look(self) -> dict[str, float]:
        """Wait for the losses since the last look, refuse those that are not finite, and give the newest."""
        self.writer.check()
        if not self.unseen:
            return {}
        steps, rows, parts = zip(*self.unseen, strict=True)
        self.unseen.clear()
        losses = torch.stack(parts).tolist()
        for step, images, (loss, *_) in zip(steps, rows, losses, strict=True):
            if not math.isfinite(loss):
                raise BadInputError(f"Got a loss of {loss}: expected a finite number. {self._where(step, images)}")
        newest = dict(zip(PARTS, losses[-1], strict=True))
        seconds, self.seen_at = time.perf_counter() - self.seen_at, time.perf_counter()
        self.watcher.steps(self.state.step, newest, sum(map(len, rows)) / seconds)
        return newest

    def _end_epoch(self) -> None:
        """Validate, and write the curves; the epoch counts as done only then."""
        state = self.state
        try:
            validated = self._validate()
        except (BadInputError, torch.OutOfMemoryError) as error:
            raise BadInputError(
                f"{_explained(error)} This was in the validation after step {state.step}. {self._kept()}"
            ) from error
        curve = {"epoch": len(state.curves) + 1, "steps": state.step, "seconds": state.seconds}
        means = (state.sums / self.n_batches).tolist()
        curve |= {f"training_{name}": value for name, value in zip(PARTS, means, strict=True)}
        losses = [one["validation_loss"] for one in state.curves if "validation_loss" in one]
        if validated and validated["validation_loss"] < min(losses, default=float("inf")):
            state.best, state.best_epoch = state.weights(), len(state.curves) + 1
        state.curves.append(curve | validated)
        state.sums.zero_()
        self.watcher.epoch(state.curves)
        self.seen_at = time.perf_counter()

    def _validate(self) -> dict[str, float]:
        """Measure how the network does on held-out concepts; stop when asked to meanwhile."""
        return validated(self.objective, self.held_out, lambda: self._stop_if_asked(None))

    def _save(self) -> None:
        self._look()
        self.saved_at = time.monotonic()
        self.writer.save(self.state.step, self.state.record())

    def _stop_if_asked(self, until: int | None) -> None:
        if not self.stop.name and (until is None or self.state.step < until):
            return
        self._save()
        self.writer.finish()
        why = self.stop.name or f"until={until}"
        total = self.recipe.epochs * self.n_batches
        raise Interrupted(
            f"Got {why}: stopped after step {self.state.step} of {total}, and a checkpoint was written to "
            f"{self.writer.run}. Start the same training again to go on.",
            self.stop.name,
        )

    def _where(self, step: int, rows: Tensor) -> str:
        first = ", ".join(str(self.images[row]) for row in rows[:3].tolist())
        return (
            f"This was step {step}, in epoch {len(self.state.curves) + 1}, whose batch of {len(rows)} "
            f"images begins with {first}. {self._kept()}"
        )

    def _kept(self) -> str:
        return f"The last checkpoint in {self.writer.run} is kept. {MILDER}"


def _explained(error: Exception) -> str:
    """Say what went wrong in a batch."""
    if isinstance(error, torch.OutOfMemoryError):
        first = str(error).partition(". ")[0]
        return (
            f"Got too little memory on the device ({first}): use a smaller batch_size, or train fewer models at once."
        )
    return f"{error}."


def _as_released(recipe: Recipe, network: nn.Module, device: torch.device) -> nn.Module:
    """Name in the log what is done as in the released code, and give its teacher, which stays in train mode."""
    for sentence in recipe.departures:
        _logger.warning("as in the released code, %s", sentence)
    layout = memory_layout(device, recipe.precision)
    return deepcopy(network).float().to(device).to(memory_format=layout).train()


def _require_space(run: Path, state: RunState) -> None:
    """Refuse a disk that cannot hold the checkpoints that are kept, the one that is being written, and the result."""
    values = [*state.backbone.state_dict().values(), *state.heads.state_dict().values()]
    weights = sum(value.nbytes for value in values)
    needed = (checkpoints.KEPT + 1) * _TENSORS_A_WEIGHT * weights + 2 * weights
    require_space(run, needed - checkpoints.bytes_in(run))


def _refuse_misfits(recipe: Recipe, data: TrainingData | AcrossSubjects, cache: ImageCache) -> None:
    """Refuse a recipe, data and images that do not belong together."""
    size = tuple(cache.pixels.shape)
    if size != (len(data.images), recipe.image_size, recipe.image_size, 3):
        raise BadInputError(
            f"Got {len(data.images)} training images and decoded ones of shape {size}: expected ({len(data.images)}, "
            f"{recipe.image_size}, {recipe.image_size}, 3). Decode them with image_cache(data.images, "
            "recipe.image_size)."
        )
    subject = None if isinstance(data, AcrossSubjects) else data.subject
    fits = subject == recipe.subject_name and (not recipe.beta or data.n_signals > 0)
    if not fits:
        raise BadInputError(
            f"Got data of {subject or 'no single subject'} with {data.n_signals} signals an image for "
            f"{recipe.identifier}: expected {recipe.subject_name or 'those of all subjects, or none with beta 0'}. "
            "Take training_data(recipe)."
        )
