"""The 38 tasks of DataComp: what each is measured by, and their average.

Of the 40 that its code runs, FairFace and UTKFace have no main figure; some published files have further lines, which the
average leaves out too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

# the main figure of each task, by the name that result files have for it
MAIN = {
    "vtab/caltech101": "mean_per_class_recall",
    "cifar10": "acc1",
    "vtab/cifar100": "acc1",
    "vtab/clevr_count_all": "acc1",
    "vtab/clevr_closest_object_distance": "acc1",
    "country211": "acc1",
    "vtab/dtd": "acc1",
    "vtab/eurosat": "acc1",
    "fgvc_aircraft": "mean_per_class_recall",
    "food101": "acc1",
    "gtsrb": "acc1",
    "imagenet1k": "acc1",
    "imagenet_sketch": "acc1",
    "imagenetv2": "acc1",
    "imagenet-a": "acc1",
    "imagenet-o": "acc1",
    "imagenet-r": "acc1",
    "vtab/kitti_closest_vehicle_distance": "acc1",
    "mnist": "acc1",
    "objectnet": "acc1",
    "vtab/flowers": "mean_per_class_recall",
    "vtab/pets": "mean_per_class_recall",
    "voc2007": "acc1",
    "vtab/pcam": "acc1",
    "renderedsst2": "acc1",
    "vtab/resisc45": "acc1",
    "cars": "acc1",
    "stl10": "acc1",
    "sun397": "acc1",
    "vtab/svhn": "acc1",
    "retrieval/flickr_1k_test_image_text_retrieval": "mean_recall@1",
    "retrieval/mscoco_2014_5k_test_image_text_retrieval": "mean_recall@1",
    "misc/winogavil": "jaccard_score_10-12",
    "wilds/iwildcam": "F1-macro_all",
    "wilds/camelyon17": "acc1",
    "wilds/fmow": "acc_worst_region",
    "fairness/dollar_street": "acc_top5_wg",
    "fairness/geode": "acc_wg",
}


def average(results: Mapping[str, float | None]) -> float:
    """The plain mean of the main figures, by task; what is none of the 38 is left out.

    Raises:
        DataError: one of the 38 is missing or has no figure.
    """
    figures = [results.get(task) for task in MAIN]
    missing = [task for task, own in zip(MAIN, figures, strict=True) if own is None]
    if missing:
        raise DataError(
            f"{len(missing)} of DataComp's {len(MAIN)} tasks have no figure, the first is {missing[0]}; an average wants all."
        )
    return sum(own for own in figures if own is not None) / len(MAIN)
