"""The data sets that can be fetched: where their files are, how they are called, what they bring and who may have them.

One table, `DATA_SETS`. Names and addresses are those of the data sets' own pages.
"""

from collections.abc import Sequence

from brainscore_realnet.datasets.catalogue.parts import DataSet, Form, Part, Request, nearest
from brainscore_realnet.datasets.catalogue.repositories import RemoteFile
from brainscore_realnet.errors import UnknownIdentifierError

_FIGSHARE_FILE = "https://ndownloader.figshare.com/files/{}"
_BRAINSCORE_FILE = "https://brainscore-storage.s3.amazonaws.com/brainio-brainscore/{}?versionId=null"
_THINGSVISION_FILE = (
    "https://raw.githubusercontent.com/ViCCo-Group/thingsvision/57e91c9754dfea8579ffc58c0ae42d9dc60080af/data/files/{}"
)
_KAMITANI_REQUEST = "https://forms.gle/ujvA34948Xg49jdn9"
_IMAGENET = "https://image-net.org/download"


def _subjects(count: int) -> tuple[str, ...]:
    return tuple(f"sub-{number:02d}" for number in range(1, count + 1))


def _osf_download(name: str, identifier: str) -> RemoteFile:
    return RemoteFile(name, f"https://osf.io/download/{identifier}/")


def _figshare(name: str, numbers: Sequence[int], md5s: Sequence[str] = ()) -> tuple[RemoteFile, ...]:
    """Give one file a subject; ``name`` has the subject's number as ``{}``."""
    hashes: list[str | None] = [f"md5:{md5}" for md5 in md5s] if md5s else [None] * len(numbers)
    return tuple(
        RemoteFile(name.format(subject), _FIGSHARE_FILE.format(number), known_hash=known_hash)
        for subject, (number, known_hash) in enumerate(zip(numbers, hashes, strict=True), 1)
    )


def _brainscore(name: str, sha1: str) -> RemoteFile:
    return RemoteFile(name, _BRAINSCORE_FILE.format(name), known_hash=f"sha1:{sha1}")


_EEG_SPLITS = ("training", "test")
_THINGS_EEG2 = DataSet(
    name="things-eeg2",
    title="THINGS-EEG2: EEG of 10 subjects, 16740 images",
    citation="Gifford et al. 2022",
    doi="10.1016/j.neuroimage.2022.119754",
    licence="CC BY 4.0",
    page="https://osf.io/3jk45/",
    reader="things_eeg2",
    subjects=_subjects(10),
    splits=_EEG_SPLITS,
    prepare_options=("mvnn", "sfreq"),
    prepared="things-eeg2-mvnn-*",
    parts=(
        Part(
            "images",
            "the test and training images and their lists (1.1 GB)",
            (
                Form(r"image_metadata\.npy", "image_metadata.npy"),
                Form(r"(?P<split>test|training)_images\.zip", "{split} images", _EEG_SPLITS),
            ),
            files=(
                _osf_download("image_metadata.npy", "qkgtf"),
                _osf_download("test_images.zip", "znu7b"),
                _osf_download("training_images.zip", "3v527"),
            ),
            listings=("osf:y63gw",),
            per_subject=False,
            unpack=True,
            typical_bytes=10**9,
        ),
        Part(
            "preprocessed",
            "the authors' preprocessed responses of 17 channels at 100 Hz (1.1 GB a subject)",
            (
                Form(
                    r"sub-?0*(?P<subject>\d+)\.zip",
                    "{subject} {split}",
                    _EEG_SPLITS,
                    member="preprocessed_eeg_{split}.npy",
                ),
                Form(
                    r"sub-?0*(?P<subject>\d+)/preprocessed_eeg_(?P<split>test|training)\.npy",
                    "{subject} {split}",
                    _EEG_SPLITS,
                ),
            ),
            listings=("osf:anp5v",),
            unpack=True,
            converted=True,
            typical_bytes=1_150_000_000,
        ),
        Part(
            "raw",
            "the raw EEG of 63 channels at 1000 Hz, to preprocess it otherwise",
            (
                Form(r"sub-?0*(?P<subject>\d+)\.zip", "{subject} raw"),
                Form(r"sub-?0*(?P<subject>\d+)/ses-?\d+/raw_eeg_(?:test|training)\.npy", "{subject} raw"),
            ),
            listings=("figshare:18470912", "osf:crxs4"),
            default=False,
            unpack=True,
            typical_bytes=10**10,
        ),
    ),
)

_SHEN_NATURAL = r"sub-?0*(?P<subject>\d+)_perceptionNaturalImage(?P<split>Training|Test)_{}\.h5"
_SHEN_GENERATIONS = ("[^/]*original_VC", "[^/]*VC_v2", "[^/]*fmriprep[^/]*")
_SHEN2019 = DataSet(
    name="shen2019",
    title="Deep image reconstruction: fMRI of 3 subjects, natural images, shapes and letters",
    citation="Shen et al. 2019",
    doi="10.1371/journal.pcbi.1006633",
    licence="not stated where the files are: use them, do not pass them on",
    page="https://figshare.com/articles/dataset/Deep_Image_Reconstruction/7033577",
    reader="kamitani",
    subjects=_subjects(3),
    splits=("training", "test", "shapes", "letters"),
    prepare_options=("n_components",),
    parts=(
        Part(
            "natural",
            "responses to natural images, in the form of the first publication",
            (Form(_SHEN_NATURAL.format("original_VC"), "{subject} {split}", _EEG_SPLITS),),
            files=(
                *_figshare(
                    "sub-{:02d}_perceptionNaturalImageTest_original_VC.h5",
                    (14830631, 14830697, 14830856),
                    (
                        "ee503598904a4d50a7df7be0880aaadf",
                        "3767c08b4b138d3114ec69cfaa8274ab",
                        "ffcd06aa419b1f9fbce65709a742a368",
                    ),
                ),
                *_figshare("sub-{:02d}_perceptionNaturalImageTraining_original_VC.h5", (14830643, 14830712, 14830862)),
            ),
            listings=("figshare:7033577",),
            typical_bytes=500_000_000,
        ),
        Part(
            "fmriprep",
            "responses to natural images, preprocessed again by the authors with fMRIPrep: instead of 'natural'",
            (
                Form(
                    r"sub-?0*(?P<subject>\d+)_ImageNet(?P<split>Training|Test)_fmriprep_volume_native\.h5",
                    "{subject} {split}",
                    _EEG_SPLITS,
                ),
            ),
            files=(
                *_figshare("sub-{:02d}_ImageNetTest_fmriprep_volume_native.h5", (37838595, 37848300, 37849986)),
                *_figshare("sub-{:02d}_ImageNetTraining_fmriprep_volume_native.h5", (37838826, 37848333, 37850397)),
            ),
            listings=("figshare:7033577",),
            default=False,
            typical_bytes=2_000_000_000,
        ),
        *(
            Part(
                split,
                f"responses to {split}",
                # The exact names are not known: any generation of files that say what they hold is taken.
                tuple(
                    Form(rf"sub-?0*(?P<subject>\d+)_[^/]*{word}{generation}\.h5", f"{{subject}} {split}", (split,))
                    for generation in _SHEN_GENERATIONS
                ),
                listings=("figshare:7033577",),
                typical_bytes=200_000_000,
            )
            for split, word in (("shapes", "Artificial"), ("letters", "(?:Letter|Alphabet)"))
        ),
    ),
    requests=(
        Request(
            "images",
            r".*\bimages",
            f"The images are not published. Ask the authors for them with the form {_KAMITANI_REQUEST}; the natural "
            f"images are ImageNet's, whose terms you accept at {_IMAGENET}. Pages: https://openneuro.org/datasets/"
            "ds001506, https://figshare.com/articles/dataset/Deep_Image_Reconstruction/7033577. Then run: "
            "brainscore data add shen2019 FOLDER",
        ),
    ),
)

_HORIKAWA_SPLITS = ("training", "test", "imagery")
_HORIKAWA2017 = DataSet(
    name="horikawa2017",
    title="Generic object decoding: fMRI of 5 subjects, natural images and imagery",
    citation="Horikawa and Kamitani 2017",
    doi="10.1038/ncomms15037",
    licence="not stated where the files are: use them, do not pass them on",
    page="https://figshare.com/articles/dataset/Generic_Object_Decoding/7387130",
    reader="kamitani",
    subjects=_subjects(5),
    splits=_HORIKAWA_SPLITS,
    prepare_options=("n_components",),
    parts=(
        Part(
            "responses",
            "responses of training, test and imagery: one file a subject",
            (Form(r"Subject(?P<subject>\d+)\.h5", "{subject} {split}", _HORIKAWA_SPLITS),),
            files=_figshare("Subject{}.h5", (24080120, 24080123, 24080126, 24080129, 24080132)),
            listings=("figshare:7387130",),
            typical_bytes=150_000_000,
        ),
    ),
    requests=(
        Request(
            "images",
            r".*\bimages",
            f"The images are not published. Ask the authors for them with the form {_KAMITANI_REQUEST}; they are "
            f"ImageNet's, whose terms you accept at {_IMAGENET}. Pages: https://openneuro.org/datasets/ds001246, "
            "https://figshare.com/articles/dataset/Generic_Object_Decoding/7387130. Then run: "
            "brainscore data add horikawa2017 FOLDER",
        ),
    ),
)

_THINGS_DIMENSIONS = DataSet(
    name="things-dimensions",
    title="THINGS: 1854 object concepts and their 49 SPoSE dimensions",
    citation="Hebart et al. 2020",
    doi="10.1038/s41562-020-00951-3",
    licence="CC BY 4.0 (dimensions), MIT (tables of concepts)",
    page="https://osf.io/z2784/",
    reader="things",
    parts=(
        Part(
            "dimensions",
            "the embedding and the tables of concepts (3 MB)",
            (
                Form(r"item_names\.tsv", "item_names.tsv"),
                Form(r"things_concepts\.tsv", "things_concepts.tsv"),
                Form(r"spose_embedding_49d_sorted\.txt", "spose_embedding_49d_sorted.txt"),
            ),
            files=(
                RemoteFile(
                    "item_names.tsv",
                    _THINGSVISION_FILE.format("item_names.tsv"),
                    132481,
                    "sha256:03dbe77972f9466ff8baa0da604d9f5104f677bf77cc602faebfa03a290fb51c",
                ),
                RemoteFile(
                    "things_concepts.tsv",
                    _THINGSVISION_FILE.format("things_concepts.tsv"),
                    497467,
                    "sha256:f6eb4ec6fcad61e50a746bee820f98d1595fe655e9e210a9a407e9a17fd8cee4",
                ),
            ),
            listings=("osf:z2784",),
            known_hashes=(
                (
                    "spose_embedding_49d_sorted.txt",
                    "sha256:b934fac338b803c5f87f60dfe1da90de8d62bacc346e74346a8428aa10cbe175",
                ),
            ),
            per_subject=False,
            converted=True,
        ),
    ),
)

_MACAQUE_IT = DataSet(
    name="macaque-it",
    title="Macaque IT: multi-unit responses to objects",
    citation="Majaj et al. 2015 (public), Dapello et al. 2023",
    doi="10.1523/JNEUROSCI.5181-14.2015",
    licence="that of Brain-Score's public data: use them with citation",
    page="https://www.brain-score.org",
    reader="macaque_it",
    parts=(
        Part(
            "public",
            "MajajHong2015.public of Brain-Score: 168 IT sites, 3200 images (substitute for the papers' recordings)",
            (
                Form(r"assy_dicarlo_MajajHong2015_public\.nc", "public recordings"),
                Form(r"stimulus_hvm-public\.(?:csv|zip)", "public images"),
            ),
            files=(
                _brainscore("assy_dicarlo_MajajHong2015_public.nc", "13d28ca0ce88ee550b54db3004374ae19096e9b9"),
                _brainscore("stimulus_hvm-public.csv", "5ca7a3da00d8e9c694a9cd725df5ba0ad6d735af"),
                _brainscore("stimulus_hvm-public.zip", "8aa44e038d7b551efa8077467622f9d48d72e473"),
            ),
            per_subject=False,
            typical_bytes=500_000_000,
        ),
    ),
    requests=(
        Request(
            "recordings",
            r"(?!public).*",
            "SachiMajajHong2015.h5, many_monkeys2.h5 and bento_nano_COCO.h5 are not published at an address known "
            "here: ask the authors of https://openreview.net/forum?id=SMYdcXjJh1q. Then run: "
            "brainscore data add macaque-it FOLDER",
        ),
    ),
)

DATA_SETS = {
    data_set.name: data_set for data_set in (_THINGS_EEG2, _SHEN2019, _HORIKAWA2017, _THINGS_DIMENSIONS, _MACAQUE_IT)
}
"""All data sets by name."""


def find(name: str) -> DataSet:
    """Give a data set by its name.

    Raises
    ------
    UnknownIdentifierError
        There is none of this name; the nearest are named.
    """
    if name not in DATA_SETS:
        raise UnknownIdentifierError(f"Got data set {name!r}: {nearest(name, DATA_SETS)}")
    return DATA_SETS[name]
