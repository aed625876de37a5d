import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from brainscore_realnet.cli import demo, main
from brainscore_realnet.scoring import demonstration
from brainscore_realnet.scoring.demonstration import Demonstration
from brainscore_realnet.scoring.personal import others, own, personal_comparisons

TIMES = np.arange(-5, 31) / 100
IN_WINDOW = (TIMES >= 0.0499) & (TIMES <= 0.2001)


@pytest.fixture
def shown():
    """A demonstration of six subjects without any training."""
    rng = np.random.default_rng(0)
    response = np.exp(-0.5 * ((TIMES - 0.11) / 0.04) ** 2)
    baseline = rng.uniform(0.06, 0.1, (6, 1)) * response
    aligned = baseline + (rng.uniform(0.02, 0.04, (6, 6)) + 0.02 * np.eye(6))[..., None] * response
    courses = {"baseline": baseline, "aligned": own(aligned), "unpaired": 0.9 * baseline, "others": others(aligned)}
    scores = {name: values[:, IN_WINDOW].mean(axis=1) for name, values in courses.items()}
    matrix = aligned[..., IN_WINDOW].mean(axis=-1)
    return Demonstration(
        subjects=tuple(f"sub-{number:02d}" for number in range(1, 7)),
        baseline="sim-cornet-s-narrow",
        n_images=48,
        times=TIMES,
        in_window=IN_WINDOW,
        courses=courses,
        scores=scores,
        matrix=matrix,
        ceiling=(0.4, 0.6),
        comparisons=personal_comparisons(scores["baseline"], matrix, scores["unpaired"]),
        seconds={"training": 130.0},
    )


@pytest.fixture
def quick(shown, monkeypatch):
    monkeypatch.setattr(demonstration, "demonstrate", lambda **_: shown)
    monkeypatch.setattr(demo, "_references", lambda: "Reference models (SIMULATED)")


def test_demo_prints_scores_and_tests_and_draws_its_figure(quick, shown, tmp_path, capsys):
    figure, values = tmp_path / "demo.png", tmp_path / "demo.json"
    assert main(["demo", "--out", str(figure), "--json", str(values)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("SIMULATED")
    assert out.count("SIMULATED") >= 3
    for name, score in shown.scores.items():
        assert f"{score.mean():.3f}" in out, name
    for one in shown.comparisons:
        assert f"{one.test.difference:+.4f} ± {one.test.sem:.4f}" in out
        assert one.name in out
    assert out.count("6 of 6") == 3
    assert "All three hold" in out
    assert "n = 6 subjects" in out
    assert json.loads(values.read_text())["simulated"] is True
    with Image.open(figure) as image:
        assert min(image.size) > 500
        assert len(set(image.convert("RGB").resize((200, 100)).getdata())) > 50


def test_demo_says_so_when_an_effect_is_not_there(shown):
    opposite = personal_comparisons(shown.scores["aligned"] * 1.1, shown.matrix, shown.scores["unpaired"])
    assert "Not all three hold" in demo._comparisons(Demonstration(**{**vars(shown), "comparisons": opposite}))


def test_reference_models_are_scored_first(capsys):
    text = demo._references()
    scores = {line.split()[0]: float(line.split()[1]) for line in text.splitlines()[1:]}
    assert list(scores) == list(demo.REFERENCES)
    assert scores["sim-hidden"] > scores["sim-random"] > scores["sim-noise"]
    assert "SIMULATED" in text.splitlines()[0]


@pytest.mark.parametrize("option", ["--out", "--json"])
def test_file_that_cannot_be_written_is_told_before_any_work(option, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["demo", "--out", str(tmp_path / "a.png"), option, str(tmp_path / "file" / "b")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "file" in err


def test_command_line_stays_light():
    code = (
        "import sys, brainscore_realnet.cli.demo; sys.exit(bool({'torch', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
