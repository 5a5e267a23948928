"""Text-RepMixer computes its formulas, implemented again on plain arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mctrain.models.text import Text, TextShape

SHAPE = TextShape(128, 4, mixers=True)


def norm(state, name, x):
    """BatchNorm in evaluation mode, [n, tokens, width]."""
    scale = state[f"{name}.weight"] / np.sqrt(state[f"{name}.running_var"] + 1e-5)
    return (x - state[f"{name}.running_mean"]) * scale + state[f"{name}.bias"]


def depthwise(kernel, x):
    """A sum of eleven shifted copies, zeros beyond both ends."""
    total = np.zeros_like(x)
    length = x.shape[1]
    for position in range(11):
        shift = position - 5
        for token in range(length):
            if 0 <= token + shift < length:
                total[:, token] += kernel[:, 0, 0, position] * x[:, token + shift]
    return total


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def conv_block(state, name, x):
    mixer = f"{name}.mixer"
    mixed = norm(state, f"{mixer}.mix.skip", x) + norm(
        state, f"{mixer}.mix.conv.bn", depthwise(state[f"{mixer}.mix.conv.conv.weight"], x)
    )
    x = x + state[f"{mixer}.layer_scale.gamma"][:, 0, 0] * (mixed - norm(state, f"{mixer}.norm", x))
    ffn = f"{name}.ffn"
    inner = norm(state, f"{ffn}.depthwise.bn", depthwise(state[f"{ffn}.depthwise.conv.weight"], x))
    inner = gelu(inner @ state[f"{ffn}.fc1.weight"][:, :, 0, 0].T + state[f"{ffn}.fc1.bias"])
    inner = inner @ state[f"{ffn}.fc2.weight"][:, :, 0, 0].T + state[f"{ffn}.fc2.bias"]
    return x + state[f"{name}.layer_scale.gamma"][:, 0, 0] * inner


def layer_norm(state, name, x):
    centred = x - x.mean(-1, keepdims=True)
    unit = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return unit * state[f"{name}.weight"] + state[f"{name}.bias"]


def linear(state, name, x):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def attention_layer(state, name, x):
    width = x.shape[2]
    rows = linear(state, f"{name}.attention.qkv", layer_norm(state, f"{name}.norm1", x))
    mixed = np.empty_like(x)
    for start in range(0, width, 64):
        query, key, value = (rows[..., part * width + start :][..., :64] for part in range(3))
        weights = np.exp(query @ key.transpose(0, 2, 1) / 8)
        mixed[..., start : start + 64] = weights / weights.sum(-1, keepdims=True) @ value
    x = x + linear(state, f"{name}.attention.proj", mixed)
    inner = gelu(linear(state, f"{name}.fc1", layer_norm(state, f"{name}.norm2", x)))
    return x + linear(state, f"{name}.fc2", inner)


def naive(state, ids):
    x = state["words.weight"][ids] + state["positions"]
    for layer in range(6):
        step = conv_block if layer in (0, 5) else attention_layer
        x = step(state, f"layers.{layer}", x)
    x = layer_norm(state, "norm", x)
    ends = [list(row).index(49407) for row in ids]
    return x[np.arange(len(ids)), ends] @ state["projection"]


@pytest.fixture(scope="module")
def tower(randomised):
    return randomised(Text(SHAPE, 96))


@torch.no_grad()
def test_the_tower_computes_its_formulas(tower):
    ids = torch.randint(1, 49000, (3, 77), generator=torch.Generator().manual_seed(9))
    for row, end in enumerate((2, 20, 76)):
        ids[row, end] = 49407
        ids[row, end + 1 :] = 0
    state = {name: tensor.double().numpy() for name, tensor in tower.state_dict().items()}
    wanted = naive(state, ids.numpy())
    exact = Text(SHAPE, 96).eval().double()
    exact.load_state_dict(tower.state_dict())
    assert np.abs(exact(ids).numpy() - wanted).max() < 1e-10
    assert np.abs(tower(ids).numpy() - wanted).max() < 1e-5
