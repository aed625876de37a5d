"""Tables of a comparison: which there are, their columns, and what these mean.

``results.json`` holds every table as ``{"columns": [...], "data": [[...], ...]}``, one observation a row, so that
``pandas.DataFrame(**results["tables"]["tests"])`` reads it. A cell that does not apply is null.
"""

SCHEMA = "brainscore_realnet.comparison"
VERSION = 1
"""Increased whenever a table or column changes its name or meaning; new ones may come without."""

_WHERE = {
    "area": "area of the model; mean: over all areas; null for a region, whose area the benchmark chose",
    "roi": "region of interest (fMRI); mean: over all regions; null for EEG",
    "time": "seconds after stimulus onset (EEG)",
}

_PAIR = {
    "benchmark": "identifier of the benchmark",
    "family": "name of the family of models that is compared",
    "baseline": "name of the family that it is compared with",
}

TABLES: dict[str, dict[str, str]] = {
    "similarities": {
        "benchmark": _PAIR["benchmark"],
        "model": "identifier of the model",
        "family": "name of the model's family",
        "role": "model or baseline",
        "trained_on": "subject that the model was trained on; null for models of no subject",
        "subject": "subject that was measured",
        "own": "whether the measured subject is the one that the model was trained on",
        "area": "area of the model",
        "roi": "region of interest (fMRI); null for EEG",
        "time": _WHERE["time"],
        "in_score": "whether the score is a mean over this condition",
        "similarity": "Spearman correlation between the upper triangles of the model's and the measured RDM",
    },
    "ceilings": {
        "benchmark": _PAIR["benchmark"],
        "roi": "region of interest (fMRI); null for EEG",
        "time": _WHERE["time"],
        "in_score": "whether the score is a mean over this condition",
        "lower": "lower noise ceiling; null for one subject",
        "upper": "upper noise ceiling",
        "n": "subjects",
    },
    "scores": {
        "benchmark": _PAIR["benchmark"],
        "model": "identifier of the model",
        "family": "name of the model's family",
        "role": "model or baseline",
        "score": "raw / upper noise ceiling, mean over all subjects",
        "error": "standard error of the score over subjects, or over stimuli where there is one subject",
        "error_over": "subject or stimulus",
        "error_stimulus": "standard deviation of the score over bootstrap samples of the stimuli",
        "raw": "mean similarity over all subjects",
        "ceiling_lower": "lower noise ceiling of raw",
        "ceiling_upper": "upper noise ceiling of raw",
        "n": "subjects",
        "own_subject": "subject that the model was trained on, if it was measured",
        "own_raw": "similarity with that subject",
        "own_score": "the same / upper noise ceiling",
        "simulated": "whether model or recordings are simulated",
    },
    "families": {
        "benchmark": _PAIR["benchmark"],
        "family": "name of the family",
        "role": "model or baseline",
        "n_models": "models of the family",
        "own": "whether each subject is compared with its own model; else with the mean over the family's models",
        "n": "subjects",
        "raw": "mean over these subjects",
        "sem": "its standard error over subjects; null for one subject",
        "score": "raw / upper noise ceiling, which is of all subjects of the benchmark",
        "low": "lower end of the 95 % interval of raw; null where it is not defined",
        "high": "upper end",
        "interval": "how it was computed, as of improvements",
    },
    "tests": {
        **_PAIR,
        "baseline": "name of the family that it is compared with; null for own - others, which needs none",
        "contrast": "what is compared: family - baseline; own - others: with each subject, its own model and the mean "
        "of the family's other models; others - baseline",
        "scope": "course (one time point), window (mean over the window of the score), peak (at the time of the "
        "maximum of the baseline's mean course), roi (one region), score (mean over areas and window, whose area is "
        "mean, or over regions, whose roi is mean)",
        **_WHERE,
        "test": "name of the test",
        "unit": "what was drawn from a population: subject",
        "n": "units",
        "difference": "mean difference",
        "sem": "its standard error",
        "statistic": "t",
        "df": "degrees of freedom",
        "p": "two-sided, uncorrected",
        "q": "p corrected for the family of tests that `correction` names; equal to p where it is none",
        "correction": "such as BH-FDR over 4 areas x 36 times, or none; tests that are not defined (the same "
        "difference in all subjects) have no row and do not count",
        "n_positive": "units with a difference above zero",
    },
    "clusters": {
        **_PAIR,
        "area": _WHERE["area"],
        "start": "first time of the cluster, seconds",
        "stop": "last time of the cluster, seconds",
        "mass": "sum of t",
        "p": "two-sided, family-wise over time, of one area; an area without clusters has no row, nor one at some time "
        "of which the differences of all subjects have the same size, so that the test is not defined",
        "threshold": "|t| from which time points are joined",
        "test": "name of the test",
        "n": "subjects",
        "n_permutations": "sign flips, the identity included",
        "exact": "whether they are all that there are",
        "seed": "of the sign flips; without effect where exact",
    },
    "improvements": {
        **_PAIR,
        "scope": "window, peak, roi or score, as of tests",
        **_WHERE,
        "n": "subjects",
        "own": "whether each subject is compared with its own model",
        "baseline_raw": "mean similarity of the baseline over subjects",
        "difference": "mean over subjects of family - baseline",
        "sem": "its standard error over subjects; null for one subject",
        "ratio": "difference / baseline_raw; null where the baseline is not positive",
        "low": "lower end of the 95 % interval of the difference; null at the peak, and where it is not defined",
        "high": "upper end",
        "interval": "how it was computed: bootstrap over stimuli and subjects (Schütt et al. 2023), over stimuli "
        "alone, or over subjects alone, with the number of draws and the seed",
    },
    "improvements_of_subjects": {
        **_PAIR,
        "scope": "window, peak, roi or score, as of tests",
        **_WHERE,
        "subject": "subject that was measured",
        "model": "identifier of the subject's own model; null where the family's mean was compared",
        "baseline_raw": "similarity of the baseline",
        "difference": "family - baseline",
        "ratio": "difference / baseline_raw; null where the baseline is not positive",
    },
    "generalisation": {
        "benchmark": _PAIR["benchmark"],
        "family": "name of the family",
        "model": "identifier of the model",
        "trained_on": "subject that it was trained on",
        "subject": "subject that was measured",
        "own": "whether they are the same",
        "raw": "similarity, mean over the parts of the score",
    },
    "modalities": {
        "family": "name of the family",
        "baseline": "name of the baseline",
        "model": "identifier of a personal model",
        "eeg_benchmark": "identifier",
        "fmri_benchmark": "identifier",
        "eeg_improvement": "model - baseline with EEG: with the model's own subject if it was measured, else mean over "
        "subjects",
        "fmri_improvement": "the same with fMRI",
    },
    "correlations": {
        "family": "name of the family",
        "baseline": "name of the baseline",
        "eeg_benchmark": "identifier",
        "fmri_benchmark": "identifier",
        "test": "Pearson or Spearman correlation over models",
        "unit": "model",
        "n": "models",
        "statistic": "r or rho",
        "p": "two-sided; of Spearman with fewer than 8 models from all permutations",
        "correction": "none",
    },
    "variability": {
        "benchmark": "whose stimuli the models' RDMs are of",
        "family": "name of the family",
        "area": "area of the models",
        "depth": "its place among the areas, from 1",
        "model_a": "identifier",
        "model_b": "identifier",
        "dissimilarity": "1 - Spearman between the two models' RDMs",
    },
    "variants": {
        "benchmark": _PAIR["benchmark"],
        "recipe": "what the variants have in common: realnet-eeg",
        "family": "name of the family",
        "beta": "weight of the generation loss",
        "control": "none, or nocont, unpaired, all, beta0, or that of another option",
        "measure": "score (raw similarity) or variability (mean dissimilarity over pairs of models and areas)",
        "value": "mean over the subjects with which all of the recipe's families are compared, or over pairs of models",
        "sem": "standard error over subjects; null for variability",
        "n": "subjects, or pairs",
    },
}
