import json
import os
import subprocess
import sys

import numpy as np
import pytest

from brainscore_realnet import load_dataset
from brainscore_realnet.errors import UnknownIdentifierError
from brainscore_realnet.scoring.exporting import export
from brainscore_realnet.store import file_hash

READ_BACK = """
import json, sys
import numpy as np
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_core.supported_data_standards.brainio.s3 import load_assembly_from_s3, load_stimulus_set_from_s3

stimuli, assembly = json.loads(sys.argv[1])
load_stimuli = lambda: load_stimulus_set_from_s3(**stimuli)
found = load_assembly_from_s3(**assembly, cls=NeuroidAssembly, stimulus_set_loader=load_stimuli).load()
np.save(sys.argv[2], found.values)
coords = [name for dim in found.dims for name in found.indexes[dim].names]
print(json.dumps([list(found.dims), coords, len(found.attrs["stimulus_set"])]))
"""


@pytest.mark.parametrize("identifier", ["SimShen2019.sub03_letters", "SimThingsEEG2.sub01_test"])
def test_brain_score_alone_reads_an_exported_data_set_back_without_a_network(tmp_path, identifier):
    packaged = export(identifier, tmp_path / "out", tmp_path / "brainio")
    for each in packaged:
        assert [file_hash(path, "sha1") for path in each.files] == list(each.sha1s)
    environment = {**os.environ, "BRAINIO_HOME": str(tmp_path / "brainio"), "PYTHONPATH": ""}
    arguments = json.dumps([each.loading_arguments() for each in packaged])
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ_BACK, arguments, str(tmp_path / "values.npy")],
        env=environment,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    ours = load_dataset(identifier)
    dims, coords, n_stimuli = json.loads(result.stdout.splitlines()[-1])
    assert dims == list(ours.dims)
    assert set(coords) == {name for dim in ours.dims for name in ours.indexes[dim].names}
    assert n_stimuli == len(ours.attrs["stimulus_set"])
    np.testing.assert_array_equal(np.load(tmp_path / "values.npy"), ours.values)


def test_stimulus_set_alone_is_exported_without_an_assembly(tmp_path):
    (packaged,) = export("SimHorikawa2017_test", tmp_path)
    assert sorted(path.suffix for path in packaged.files) == [".csv", ".zip"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in packaged.files)


def test_exporting_twice_gives_the_same_bytes(tmp_path):
    first, second = (export("SimShen2019.sub01_letters", tmp_path / name) for name in ("a", "b"))
    assert [each.sha1s for each in first] == [each.sha1s for each in second]


def test_unknown_identifier_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UnknownIdentifierError, match="Shen2019"):
        export("Shen2019_tset", tmp_path / "out")
    assert not (tmp_path / "out").exists()
