"""What comes of measuring, each value with its bootstrap 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """A measured value and its bootstrap 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        to = " to " if self.low < 0 else "-"
        return f"{self.value:.1f} ({self.low:.1f}{to}{self.high:.1f})"


@dataclass(frozen=True)
class CalibrationBin:
    """Examples of like confidence.

    Attributes:
        examples: How many.
        confidence: Mean probability of what was said, in [0, 1].
        accuracy: Share that was right, in [0, 1].
    """

    examples: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class ClassFigures:
    """What was measured of one label against all others.

    Attributes:
        support: Examples that are of the label.
        precision: Share of what was said to be of the label and is, in percent; 0 where it was never said.
        recall: Share of the label's examples that were found, in percent; also called sensitivity.
        specificity: Share of the other labels' examples that were not taken for this one, in percent.
        f1: Harmonic mean of precision and recall, in percent.
        area: Under the ROC curve of the label's probability, in [0, 1]; 0.5 by chance.  None where all
            examples are of this label.
        roc: The curve's points `(1 - specificity, sensitivity)`, in [0, 1].
    """

    support: int
    precision: Figure
    recall: Figure
    specificity: Figure
    f1: Figure
    area: Figure | None
    roc: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class PeopleFigures:
    """Figures of labelled examples, with intervals of samples of whole people instead of single examples.

    What one person does is alike: these intervals say how much the people matter, and are too narrow where
    they are few.

    Attributes:
        people: How many; where nobody is named, each clip stands for one.
        accuracy: As that of `LabelFigures`.
        uar: As that of `LabelFigures`.
    """

    people: int
    accuracy: Figure
    uar: Figure


@dataclass(frozen=True)
class LabelFigures:
    """What was measured on labelled examples.

    Attributes:
        examples: How many.
        labels: Names of the rows and columns of `confusion`.
        accuracy: Share of examples whose most probable label is right, in percent.
        uar: Unweighted average recall, over the labels that have examples, in percent.
        macro_f1: Mean F1 of the labels that have examples, in percent.
        calibration_error: Expected calibration error, 10 bins of equal width, in [0, 1].
        calibration_floor: What it would come to, in the mean, were the same confidences perfectly
            calibrated: with few examples chance alone makes a bin's accuracy miss its confidence.
        calibration: The bins that hold examples, by confidence.
        recalls: In percent, of each label with examples.
        confusion: `confusion[true][said]`, counts.
        weighted_f1: Mean F1 of the labels, each weighted by its examples, in percent.
        classes: Each label that has examples against the others.
        by_people: With intervals of samples of whole people; None where they are not known.
    """

    examples: int
    labels: tuple[str, ...]
    accuracy: Figure
    uar: Figure
    macro_f1: Figure
    calibration_error: Figure
    calibration_floor: float
    calibration: tuple[CalibrationBin, ...]
    recalls: dict[str, Figure]
    confusion: tuple[tuple[int, ...], ...]
    weighted_f1: Figure
    classes: dict[str, ClassFigures]
    by_people: PeopleFigures | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class GroupFigures:
    """What was measured on a group of labelled examples, such as faces with glasses.

    Attributes:
        examples: How many.
        accuracy: As that of `LabelFigures`.
        expected: The accuracy, in percent, if each label were recalled as often as among all examples:
            a group with many happy faces is an easy one.
        beyond: Accuracy beyond what is expected, in points.
        uar: Mean recall over the labels that the group has, in percent.
        confidence: Mean probability of what was said, in percent.
        calibration_error: As that of `LabelFigures`.
        calibration_floor: As that of `LabelFigures`; of a small group most of its error.
    """

    examples: int
    accuracy: Figure
    expected: Figure
    beyond: Figure
    uar: Figure
    confidence: Figure
    calibration_error: Figure
    calibration_floor: float


@dataclass(frozen=True)
class GroupedFigures(LabelFigures):
    """What was measured on labelled examples of which more is known than the label.

    Attributes:
        groups: By attribute and value.
    """

    groups: dict[str, dict[str, GroupFigures]]


@dataclass(frozen=True)
class TickFigures:
    """What was measured of the ticks of recordings in which the label changes once.

    Attributes:
        recordings: How many.
        right: Ticks with the right label, in percent; the mean over the recordings.
        changes: Changes of label a recording; one would be right.
        calibration_error: Expected calibration error of the ticks, 10 bins of equal width, in [0, 1].
    """

    recordings: int
    right: Figure
    changes: Figure
    calibration_error: float


@dataclass(frozen=True)
class GainFigures:
    """How much better one says the labels of the same examples than another.

    Attributes:
        examples: How many.
        people: How many the examples are of.
        over: Name of the other.
        uar: Difference of the unweighted average recalls, in points; both are asked about the same
            examples of each bootstrap sample.
        uar_by_people: The same, but whole people are drawn, with all their examples: what to expect of
            others, as far as so few can tell.
    """

    examples: int
    people: int
    over: str
    uar: Figure
    uar_by_people: Figure


@dataclass(frozen=True)
class MeanFigures:
    """Means over groups of examples, such as languages, each of which counts the same.

    Attributes:
        examples: How many in all.
        uar: Of each group, by name: as that of `LabelFigures`.
        mean_uar: Their mean, in percent.
        mean_calibration_error: Mean of the groups' expected calibration errors, in [0, 1].
    """

    examples: int
    uar: dict[str, Figure]
    mean_uar: Figure
    mean_calibration_error: Figure


@dataclass(frozen=True)
class LabelAgreement:
    """What was measured of one label against all others, between two who label the same examples.

    Attributes:
        annotated: Examples that the annotation gives the label.
        said: Examples that the result gives it.
        f1: Harmonic mean of precision and recall, in percent.
        kappa: Cohen's kappa of this label against the rest.
    """

    annotated: int
    said: int
    f1: Figure
    kappa: Figure


@dataclass(frozen=True)
class AgreementFigures:
    """What was measured between two who label the same examples.

    Attributes:
        examples: How many.
        labels: Names of the rows and columns of `confusion`.
        kappa: Cohen's kappa (1960): 0 for agreement by chance, 1 for full agreement.
        accuracy: Share of examples with the same label, in percent.
        uar: Unweighted average recall, over the labels that the annotation has, in percent.
        confusion: `confusion[annotated][said]`, counts.
        classes: Each label that either of them uses against the others.
    """

    examples: int
    labels: tuple[str, ...]
    kappa: Figure
    accuracy: Figure
    uar: Figure
    confusion: tuple[tuple[int, ...], ...]
    classes: dict[str, LabelAgreement] = field(default_factory=dict)


@dataclass(frozen=True)
class SeveralFigures:
    """How far several raters of the same examples agree, each of whom may leave examples out.

    Attributes:
        examples: Examples of which at least two raters speak.
        fleiss: Fleiss' kappa (1971), over the examples of which all speak; None where there is none.
        alpha: Krippendorff's alpha (2011) for labels: 0 for agreement by chance, 1 for full agreement.
    """

    examples: int
    fleiss: Figure | None
    alpha: Figure


@dataclass(frozen=True)
class RaterFigures:
    """What was measured among the raters of pictures, and of a network on the same pictures.

    Attributes:
        examples: Pictures.
        labels: Told apart.
        agreement: Share of pairs of raters of a picture who chose the same, in percent.
        kappa: Fleiss' kappa (1971) of all raters: 0 for agreement by chance, 1 for full agreement.
        majority: Share of raters who chose what most raters of the picture, themselves among them, did, in
            percent.
        rater: Accuracy of one rater against the majority of the others, in percent.
        network: Accuracy of the network against the same majorities, in percent.
        gain: Of the network over the rater, in points.
    """

    examples: int
    labels: tuple[str, ...]
    agreement: Figure
    kappa: Figure
    majority: Figure
    rater: Figure
    network: Figure
    gain: Figure


@dataclass(frozen=True)
class RegressionFigures:
    """What was measured on one continuous annotation, in the annotation's unit.

    Attributes:
        examples: How many.
        rmse: Root mean squared error.
        pcc: Pearson's correlation.
        icc: Intraclass correlation ICC(3,1) (Shrout & Fleiss 1979).
        ccc: Concordance correlation (Lin 1989).
    """

    examples: int
    rmse: Figure
    pcc: Figure
    icc: Figure
    ccc: Figure


@dataclass(frozen=True)
class AffectFigures(RegressionFigures):
    """Means over folds of what was measured on valence or arousal, which reach from -`scale` to `scale`.

    Attributes:
        scale: Of the annotation.
        folds: The values of each fold, by the name of the figure.
    """

    scale: float
    folds: tuple[dict[str, float], ...]
