"""The loss of decisions: accepted photos move nearer to a tag's words, rejected ones away, others stay."""

from __future__ import annotations

import torch

from mctrain.training.decisions.head import TagWords, decision_loss, even_weights, thresholds_of

LABELS = torch.tensor([[1, 0, 1], [1, -1, 0], [-1, -1, 0], [0, 1, 0]], dtype=torch.int8)


def test_the_loss_attracts_accepted_photos_and_repels_rejected_ones():
    torch.manual_seed(0)
    cosines = torch.rand(LABELS.shape, requires_grad=True)
    loss = decision_loss(cosines, LABELS, torch.full((4, 3), 0.5), even_weights(LABELS), 30.0)
    (slope,) = torch.autograd.grad(loss, cosines)
    assert torch.equal(-slope.sign(), LABELS.float())


def test_tags_weigh_alike_whatever_their_number_of_decisions():
    weights = even_weights(LABELS)
    assert torch.allclose(weights.sum(), torch.tensor(5 / 3))  # the third tag has no rejected photo
    for kind in (1, -1):
        shares = (weights * (kind == LABELS)).sum(0)
        assert torch.allclose(shares[shares > 0], torch.tensor(1 / 3))
    assert not weights[LABELS == 0].any()


def test_meaningless_words_are_cut_at_the_fit_of_shown_things():
    low = torch.tensor([[0.02], [0.03], [0.01]])
    fitting = torch.tensor([0.3, 0.2, 0.4])
    assert torch.equal(thresholds_of(low, LABELS[:3, :1], fitting)[:, 0], fitting)


def test_words_that_fit_rejected_photos_too_are_cut_between_both_kinds():
    high = torch.tensor([[0.6], [0.6], [0.4]])
    assert torch.allclose(thresholds_of(high, LABELS[:3, :1], torch.full((3,), 0.3)), torch.full((3, 1), 0.5))
    one_kind = torch.ones(3, 1, dtype=torch.int8)
    assert torch.allclose(thresholds_of(high, one_kind, torch.full((3,), 0.3)), torch.full((3, 1), 0.3))


def test_the_best_of_several_words_of_a_tag_counts():
    vectors = torch.eye(4)[:3]
    tags = TagWords(vectors, torch.tensor([0, 0, 1]), 2)
    photos = torch.nn.functional.normalize(torch.randn(6, 4), dim=1)
    wanted = torch.stack([photos[:, :2].amax(1), photos[:, 2]], dim=1)
    assert torch.equal(tags.scores(photos), wanted)
