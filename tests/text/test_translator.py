import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from patchword.errors import DataError, ModelFolderError
from patchword.explain.attention import word_alignment
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.pairs import read_lines
from patchword.text.scores import score_translations
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig


@pytest.fixture
def translator(phrases: tuple[Path, Path]) -> Translator:
    vocabulary = Vocabulary.train(read_lines(phrases[0]), read_lines(phrases[1]), VocabularyConfig(size=400))
    size = vocabulary.source_size
    torch.manual_seed(0)
    model = Transformer(TransformerConfig.named("tiny", size, size, encoder_layers=1, decoder_layers=1))
    return Translator(model, vocabulary, ("en", "de"), {"command": "a test"})


def test_order_is_kept_and_empty_lines_stay_empty(translator: Translator) -> None:
    texts = ["three days", "", "a longer phrase about seven hours", "   ", "x"]
    options = SearchOptions(max_extra=5)
    together = translator.translate(texts, options)
    assert [t.source for t in together] == texts
    assert together[1].text == together[3].text == ""
    for text, found in zip(texts, together, strict=True):
        alone = translator.translate([text], options)[0]
        assert alone.text == found.text
        assert alone.score == pytest.approx(found.score, abs=1e-5)
    assert translator.translate([]) == []


def test_a_saved_translator_is_the_same_translator(translator: Translator, tmp_path: Path) -> None:
    translator.save(tmp_path / "model")
    again = Translator.load(tmp_path / "model")
    assert again.languages == ("en", "de")
    assert again.facts == {"command": "a test"}
    for name, weight in translator.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], weight)
    options = SearchOptions(max_extra=5, n_best=3)
    assert again.translate(["three days"], options) == translator.translate(["three days"], options)
    assert not list(tmp_path.rglob("*.pt"))
    assert "patchword translate" in (tmp_path / "model" / "README.md").read_text()


def test_a_vocabulary_that_does_not_fit_the_weights_is_refused(
    translator: Translator, phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    translator.save(tmp_path / "model")
    other = Vocabulary.train(read_lines(phrases[0]), read_lines(phrases[1]), VocabularyConfig(size=380))
    (tmp_path / "model" / "vocabulary.model").write_bytes(other.files()["vocabulary.model"])
    with pytest.raises(ModelFolderError, match="the vocabulary has 380 source and 380 target tokens, but the weights"):
        Translator.load(tmp_path / "model")


def test_attention_has_a_row_a_generated_token_and_a_column_a_source_token(translator: Translator) -> None:
    seen = translator.attention("three days", SearchOptions(max_extra=5))
    weights = word_alignment(seen.evidence)
    assert weights.shape == (len(seen.target_pieces), len(seen.source_pieces))
    torch.testing.assert_close(weights.sum(1), torch.ones(len(weights)))
    assert seen.source_pieces[-1] == "</s>"


def test_bleu_and_chrf_are_sacrebleus_with_its_signature() -> None:
    import sacrebleu

    found, wanted = ["the cat sat on the mat", "a dog"], ["the cat sat on a mat", "a dog"]
    scores = score_translations(found, wanted, "de")
    assert scores.bleu == sacrebleu.corpus_bleu(found, [wanted]).score
    assert scores.chrf == sacrebleu.corpus_chrf(found, [wanted]).score
    assert scores.exact == 50.0
    assert "tok:13a" in scores.bleu_signature
    assert "case:mixed" in scores.bleu_signature
    assert "tok:zh" in score_translations(["好"], ["好"], "zh_Hans").bleu_signature
    with pytest.raises(ValueError, match="1 translations, 2 references"):
        score_translations(["a"], ["a", "b"])


def test_a_model_folder_keeps_how_its_model_searches(translator: Translator, tmp_path: Path) -> None:
    translator.save(tmp_path / "plain")
    assert "search" not in json.loads((tmp_path / "plain" / "config.json").read_text())["details"]
    assert Translator.load(tmp_path / "plain").options == SearchOptions()
    translator.options = SearchOptions(beam=2, max_extra=3, length_normalisation="power")
    translator.save(tmp_path / "own")
    again = Translator.load(tmp_path / "own")
    assert again.options == translator.options
    assert again.translate(["three days"]) == translator.translate(["three days"], translator.options)
    assert again.translate(["three days"]) != translator.translate(["three days"], SearchOptions(method="greedy"))


def test_wrong_options_in_a_model_folder_are_named(translator: Translator, tmp_path: Path) -> None:
    translator.save(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    values = json.loads(path.read_text())
    values["details"]["search"] = {"beams": 4}
    path.write_text(json.dumps(values))
    with pytest.raises(ModelFolderError, match=r"details\.search: unknown key 'beams'; did you mean 'beam'\?"):
        Translator.load(tmp_path / "model")


def test_half_a_character_is_named(translator: Translator) -> None:
    for translate in (translator.translate, lambda texts: translator.attention(texts[1])):
        with pytest.raises(DataError, match=r"^text [12]: character 4 is half a surrogate pair, U\+D800, "):
            translate(["three days", "ab \ud800"])


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("reference", [True, False])
def test_damaged_weights_are_refused_when_they_are_read(
    translator: Translator, tmp_path: Path, precision: str, reference: bool
) -> None:
    if reference and precision != "float32":
        pytest.skip("the reference has float32 alone")
    translator.model.encoder.layers[0].feed_forward.inner.weight.data[0, 0] = float("nan")
    translator.save(tmp_path / "model")
    with pytest.raises(ModelFolderError, match=r"encoder\.layers\.0\.feed_forward\.inner\.weight holds values"):
        Translator.load(tmp_path / "model", precision=precision, reference=reference)  # type: ignore[arg-type]


def test_eight_threads_translate_as_one_does(translator: Translator, phrases: tuple[Path, Path]) -> None:
    torch.set_num_threads(2)
    texts, options = read_lines(phrases[0])[:20], SearchOptions(max_extra=2)
    alone = translator.translate(texts, options)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: translator.translate(texts, options), range(32)))
    assert all(found == alone for found in together)
    assert torch.get_num_threads() == 2
