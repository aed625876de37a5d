"""Papers that a comparison rests on, and which of them its page cites."""

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures.style import Tables

REFERENCES = {
    "kriegeskorte-2008": "Kriegeskorte N, Mur M, Bandettini P (2008). Representational similarity analysis: connecting "
    "the branches of systems neuroscience. Frontiers in Systems Neuroscience 2:4. doi:10.3389/neuro.06.004.2008",
    "nili-2014": "Nili H, Wingfield C, Walther A, Su L, Marslen-Wilson W, Kriegeskorte N (2014). A toolbox for "
    "representational similarity analysis. PLOS Computational Biology 10:e1003553. doi:10.1371/journal.pcbi.1003553",
    "benjamini-1995": "Benjamini Y, Hochberg Y (1995). Controlling the false discovery rate: a practical and powerful "
    "approach to multiple testing. Journal of the Royal Statistical Society B 57:289–300",
    "maris-2007": "Maris E, Oostenveld R (2007). Nonparametric statistical testing of EEG- and MEG-data. Journal of "
    "Neuroscience Methods 164:177–190. doi:10.1016/j.jneumeth.2007.03.024",
    "schuett-2023": "Schütt HH, Kipnis AD, Diedrichsen J, Kriegeskorte N (2023). Statistical inference on "
    "representational geometries. eLife 12:e82566. doi:10.7554/eLife.82566",
    "guggenmos-2018": "Guggenmos M, Sterzer P, Cichy RM (2018). Multivariate pattern analysis for MEG: a comparison of "
    "dissimilarity measures. NeuroImage 173:434–447. doi:10.1016/j.neuroimage.2018.02.044",
    "realnet-eeg": "Lu Z, Wang Y, Golomb JD. ReAlnet: achieving more human brain-like vision via human neural "
    "representational alignment. arXiv:2401.17231; Communications Biology 9:463 (2026)",
    "realnet-fmri": "Lu Z, Wang Y (2025). Teaching CORnet human fMRI representations for enhanced model-brain "
    "alignment. Cognitive Neurodynamics 19:61. arXiv:2407.10414",
    "things-eeg2": "Gifford AT, Dwivedi K, Roig G, Cichy RM (2022). A large and rich EEG dataset for modeling human "
    "visual object recognition. NeuroImage 264:119754. doi:10.1016/j.neuroimage.2022.119754",
    "shen2019": "Shen G, Horikawa T, Majima K, Kamitani Y (2019). Deep image reconstruction from human brain activity. "
    "PLOS Computational Biology 15:e1006633. doi:10.1371/journal.pcbi.1006633",
    "horikawa2017": "Horikawa T, Kamitani Y (2017). Generic decoding of seen and imagined objects using hierarchical "
    "visual features. Nature Communications 8:15037. doi:10.1038/ncomms15037",
    "cornet-s": "Kubilius J, Schrimpf M, Hong H, Majaj NJ, et al. (2019). Brain-like object recognition with "
    "high-performing shallow recurrent ANNs. Advances in Neural Information Processing Systems. arXiv:1909.06161",
    "resnet-101": "He K, Zhang X, Ren S, Sun J (2016). Deep residual learning for image recognition. IEEE Conference "
    "on Computer Vision and Pattern Recognition. arXiv:1512.03385",
    "clip-rn101": "Radford A, Kim JW, Hallacy C, et al. (2021). Learning transferable visual models from natural "
    "language supervision. International Conference on Machine Learning. arXiv:2103.00020",
    "brain-score": "Schrimpf M, Kubilius J, Hong H, et al. (2018). Brain-Score: which artificial neural network for "
    "object recognition is most brain-like? bioRxiv 407007. doi:10.1101/407007",
}
"""Short name to the reference; those of models and data sets begin as their identifiers do."""


def cited(comparison: Comparison, tables: Tables) -> tuple[str, ...]:
    """Give the references of what a comparison used, in alphabetical order."""
    used = {"kriegeskorte-2008", "nili-2014", "brain-score"}
    names = [family.name for family in comparison.families] + [one.dataset for one in comparison.benchmarks]
    used |= {short for short in REFERENCES for name in names if name.removeprefix("sim-").startswith(short)}
    used |= {"cornet-s"} if any(short.startswith("realnet") for short in used) else set()  # it is their backbone
    compared = {str(one.provenance.get("options", {}).get("rdm")) for one in comparison.benchmarks}
    used |= {"guggenmos-2018"} if compared & {"crossnobis", "lda"} else set()
    used |= {"benjamini-1995"} if len(tables["tests"]) else set()
    used |= {"maris-2007"} if len(tables["clusters"]) else set()
    intervals = " ".join(map(str, [*tables["families"]["interval"], *tables["improvements"]["interval"]]))
    used |= {"schuett-2023"} if "2023" in intervals else set()
    return tuple(sorted(REFERENCES[short] for short in used))
