"""Our MiniLM is BERT: the same states as transformers computes, whatever the padding."""

from __future__ import annotations

import pytest
import torch
from transformers import BertModel
from transformers.utils import logging as transformers_logging

from mctrain.models.minilm import PAD_ID, load_minilm, package_file


@pytest.fixture(scope="module")
def trunk():
    return load_minilm()


@pytest.fixture(scope="module")
def reference():
    transformers_logging.disable_progress_bar()
    return BertModel.from_pretrained(
        str(package_file("config.json").parent), attn_implementation="eager"
    ).eval()


@pytest.mark.parametrize(("count", "tokens"), [(1, 1), (3, 12)])
def test_states_equal_those_of_transformers(trunk, reference, count, tokens):
    ids = torch.randint(1000, 30000, (count, tokens))
    for row in range(1, count):
        ids[row, max(1, tokens - 3 * row) :] = PAD_ID
    present = ids != PAD_ID
    with torch.no_grad():
        expected = reference(input_ids=ids, attention_mask=present.long()).last_hidden_state
        assert torch.allclose(trunk.states(ids)[present], expected[present], atol=2e-5)


def test_padding_does_not_change_a_sentence(trunk):
    ids = torch.randint(1000, 30000, (1, 9))
    padded = torch.cat([ids, torch.full((1, 20), PAD_ID)], dim=1)
    with torch.no_grad():
        assert torch.allclose(trunk(ids), trunk(padded), atol=1e-6)
        assert torch.allclose(trunk(ids).norm(dim=1), torch.ones(1))
