"""A graph reads the files of its own bundle and no others, wherever in it a tensor names one."""

from __future__ import annotations

import random
import shutil

import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError
from onnx import AttributeProto, FunctionProto, ModelProto, TensorProto, TrainingInfoProto, helper
from onnx.external_data_helper import (
    ExternalDataInfo,
    convert_model_to_external_data,
    set_external_data,
    uses_external_data,
)

from picsight_engine.errors import BundleError
from picsight_engine.models.bundle import check_image_tower, open_bundle
from picsight_engine.models.external_data import External, external_data
from picsight_engine.models.onnx import OnnxImageEncoder


def outside(location, **place):
    """A tensor whose four numbers are said to lie in another file."""
    tensor = helper.make_tensor("outside", TensorProto.FLOAT, [4], bytes(16), raw=True)
    set_external_data(tensor, location, **place)
    tensor.ClearField("raw_data")
    return tensor


def node_with(**attribute):
    node = helper.make_node("Identity", ["x"], ["y"])
    node.attribute.append(AttributeProto(name="value", **attribute))
    return node


def graph_of(**parts):
    graph = helper.make_graph([], "inner", [], [])
    for name, members in parts.items():
        getattr(graph, name).extend(members)
    return graph


def sparse(tensor):
    return onnx.SparseTensorProto(values=tensor, dims=[4])


HIDING_PLACES = {
    "initializer": lambda model, tensor: model.graph.initializer.append(tensor),
    "sparse initializer": lambda model, tensor: model.graph.sparse_initializer.append(sparse(tensor)),
    "indices of a sparse one": lambda model, tensor: model.graph.sparse_initializer.append(
        onnx.SparseTensorProto(indices=tensor)
    ),
    "constant": lambda model, tensor: model.graph.node.append(node_with(t=tensor)),
    "list of constants": lambda model, tensor: model.graph.node.append(node_with(tensors=[tensor])),
    "sparse constant": lambda model, tensor: model.graph.node.append(node_with(sparse_tensor=sparse(tensor))),
    "sparse constants": lambda model, tensor: model.graph.node.append(
        node_with(sparse_tensors=[sparse(tensor)])
    ),
    "branch of an if": lambda model, tensor: model.graph.node.append(
        node_with(g=graph_of(initializer=[tensor]))
    ),
    "loop in a branch": lambda model, tensor: model.graph.node.append(
        node_with(graphs=[graph_of(node=[node_with(g=graph_of(node=[node_with(t=tensor)]))])])
    ),
    "function": lambda model, tensor: model.functions.append(FunctionProto(node=[node_with(t=tensor)])),
    "attribute of a function": lambda model, tensor: model.functions.append(
        FunctionProto(attribute_proto=[AttributeProto(name="a", t=tensor)])
    ),
    "training": lambda model, tensor: model.training_info.append(
        TrainingInfoProto(initialization=graph_of(), algorithm=graph_of(initializer=[tensor]))
    ),
}


@pytest.fixture
def saved(tmp_path, tiny_files):
    """Writes the tiny image tower with one more tensor in it."""

    def save(tensor, place="initializer"):
        model = onnx.load(tiny_files["image.onnx"])
        HIDING_PLACES[place](model, tensor)
        (tmp_path / "changed.onnx").write_bytes(model.SerializeToString())
        return tmp_path / "changed.onnx"

    return save


@pytest.mark.parametrize("place", HIDING_PLACES)
def test_a_tensor_that_names_a_file_is_found_wherever_it_hides(saved, place):
    graph = saved(outside("../../secret.bin", offset=8, length=16), place)
    assert external_data(graph) == [External("../../secret.bin", 24)]


@pytest.mark.parametrize(
    "location",
    [
        "../../secret.bin",
        "/etc/passwd",
        "secret.bin",
        "a/../secret.bin",
        "*/_ORT_MEM_ADDR_/*",
        "",
        ".",
        "..\\x",
    ],
)
def test_a_bundle_whose_graph_names_a_file_that_is_not_listed_is_refused(make_bundle, saved, location):
    with pytest.raises(BundleError) as caught:
        make_bundle(files={"image.onnx": saved(outside(location))})
    assert "image.onnx wants to read" in str(caught.value)
    assert repr(location) in str(caught.value)


def with_weights_beside(tiny_files, folder):
    """The tiny image tower, its matrix in a file of its own."""
    model = onnx.load(tiny_files["image.onnx"])
    convert_model_to_external_data(model, location="weights.bin", size_threshold=60)  # the matrix alone
    onnx.save(model, folder / "beside.onnx")
    return {"image.onnx": folder / "beside.onnx", "weights.bin": folder / "weights.bin"}


def test_a_listed_file_of_weights_is_read_and_gives_the_same_vectors(make_bundle, tiny_files, tmp_path):
    pixels = np.random.default_rng(3).random((2, 3, 8, 8), dtype=np.float32)
    bundle = make_bundle("beside", files=with_weights_beside(tiny_files, tmp_path))
    assert open_bundle(bundle.folder, hashes=True).manifest == bundle.manifest
    check_image_tower(bundle)
    vectors = OnnxImageEncoder(bundle).encode(pixels)
    np.testing.assert_array_equal(vectors, OnnxImageEncoder(make_bundle()).encode(pixels))


def test_a_changed_byte_of_weights_beside_the_image_tower_is_found_before_indexing(
    make_bundle, tiny_files, tmp_path
):
    bundle = make_bundle("beside", files=with_weights_beside(tiny_files, tmp_path))
    weights = bundle.folder / "weights.bin"
    weights.write_bytes(b"?" + weights.read_bytes()[1:])
    with pytest.raises(BundleError, match=r"weights\.bin was changed"):
        check_image_tower(bundle)


def test_a_listed_file_that_is_a_link_out_of_the_bundle_is_refused(make_bundle, tiny_files, tmp_path):
    bundle = make_bundle("beside", files=with_weights_beside(tiny_files, tmp_path))
    shutil.move(bundle.folder / "weights.bin", tmp_path / "elsewhere.bin")
    (bundle.folder / "weights.bin").symlink_to(tmp_path / "elsewhere.bin")
    for look in (lambda: open_bundle(bundle.folder, hashes=True), lambda: check_image_tower(bundle)):
        with pytest.raises(
            BundleError, match=r"image\.onnx wants to read 'weights\.bin', which is no file of"
        ):
            look()


@pytest.mark.parametrize("place", [{"offset": 8, "length": 16}, {"length": 17}, {"offset": 17}])
def test_bytes_beyond_the_end_of_a_listed_file_are_refused(make_bundle, saved, tmp_path, place):
    (tmp_path / "short.bin").write_bytes(bytes(16))
    graph = saved(outside("short.bin", **place))
    with pytest.raises(BundleError, match=r"wants (24|17) bytes of 'short\.bin', which has 16;"):
        make_bundle(files={"image.onnx": graph, "short.bin": tmp_path / "short.bin"})


def test_of_two_locations_of_one_tensor_both_count(saved):
    tensor = outside("first.bin")
    tensor.external_data.add(key="location", value="second.bin")
    assert [each.location for each in external_data(saved(tensor))] == ["first.bin", "second.bin"]


@pytest.mark.parametrize("value", ["-1", "1e9", "", "\u0661"])
def test_a_place_that_is_no_number_is_refused(saved, value):
    tensor = outside("weights.bin")
    tensor.external_data.add(key="offset", value=value)
    with pytest.raises(BundleError, match="stands for a number of bytes"):
        external_data(saved(tensor))


def varint(number):
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def nested(levels):
    """Graphs in attributes of nodes of graphs."""
    data = b""
    for _ in range(levels):
        for tag in (0x32, 0x2A, 0x0A):  # g of an attribute, attribute of a node, node of a graph
            data = bytes([tag]) + varint(len(data)) + data
    return b"\x3a" + varint(len(data)) + data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no graph",
        b"\x00\x00",  # a field of number 0
        b"\x3a",  # a graph without its length
        b"\x3a\x05\x00",  # of which bytes are missing
        b"\x3a\x80",  # whose length is not over
        b"\x3a" + b"\xff" * 11,  # whose length never is
        b"\x0b\x0c",  # groups, which onnx.proto has none of
        b"\x3a\x02\x2a\x05\x00\x00\x00\x00\x00",  # a tensor that is longer than its graph
        nested(1000),
    ],
    ids=repr,
)
def test_what_is_no_graph_is_one_sentence(tmp_path, data):
    (tmp_path / "odd.onnx").write_bytes(data)
    with pytest.raises(
        BundleError, match=r"odd\.onnx is damaged or no ONNX graph \(.*\); get the model"
    ) as caught:
        external_data(tmp_path / "odd.onnx")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250 + len(str(tmp_path))


def test_graphs_within_graphs_as_deep_as_protobuf_reads_them_are_looked_through(tmp_path):
    (tmp_path / "deep.onnx").write_bytes(nested(30))
    ModelProto().ParseFromString(nested(30))
    assert external_data(tmp_path / "deep.onnx") == []


def all_tensors(message):
    """Every tensor in a message, by what protobuf itself knows of its parts."""
    if isinstance(message, TensorProto):
        yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                yield from all_tensors(part)


def random_model(rng):
    """Tensors in every place where one can be, inside and outside of the file, at random and nested."""

    def tensor():
        if rng.random() < 0.5:
            return outside(
                f"{rng.randbytes(3).hex()}.bin", offset=rng.randrange(2**40), length=rng.randrange(300)
            )
        return helper.make_tensor("own", TensorProto.FLOAT, [500], rng.randbytes(2000), raw=True)

    def node(depth):
        made = helper.make_node("Any", ["a"], ["b"], ints=list(range(rng.randrange(1, 300))), f=0.5, s="text")
        kinds = [{"t": tensor()}, {"tensors": [tensor(), tensor()]}, {"sparse_tensor": sparse(tensor())}]
        if depth:
            kinds += [{"g": graph(depth - 1)}, {"graphs": [graph(depth - 1), graph(depth - 1)]}]
        made.attribute.append(AttributeProto(name="value", **rng.choice(kinds)))
        return made

    def graph(depth):
        return graph_of(
            node=[node(depth) for _ in range(rng.randrange(4))],
            initializer=[tensor() for _ in range(rng.randrange(3))],
            sparse_initializer=[sparse(tensor()) for _ in range(rng.randrange(2))],
        )

    model = helper.make_model(graph(3))
    model.functions.extend(FunctionProto(node=[node(1)]) for _ in range(rng.randrange(2)))
    model.training_info.extend(
        TrainingInfoProto(initialization=graph(1), algorithm=graph(1)) for _ in range(rng.randrange(2))
    )
    return model


def check_random_models(tmp_path, seeds):
    path, found = tmp_path / "random.onnx", 0
    for seed in seeds:
        model = random_model(random.Random(seed))
        path.write_bytes(model.SerializeToString())
        infos = [ExternalDataInfo(tensor) for tensor in all_tensors(model) if uses_external_data(tensor)]
        wanted = sorted((info.location, info.offset + info.length) for info in infos)
        assert sorted((each.location, each.end) for each in external_data(path)) == wanted
        found += len(wanted)
    assert found > 3 * len(seeds)


def test_it_finds_what_onnx_finds_in_graphs_made_at_random(tmp_path):
    check_random_models(tmp_path, range(25))


def readable(value):
    """Protobuf gives bytes where a text is none any more."""
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")


def check_damaged_models(tmp_path, seeds):
    """Whatever protobuf can read of a damaged file is found in it, or the file is refused."""
    path = tmp_path / "damaged.onnx"
    for seed in seeds:
        rng = random.Random(seed)
        data = bytearray(random_model(rng).SerializeToString())
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        model = ModelProto()
        try:
            model.ParseFromString(bytes(data))
        except DecodeError:  # no reader would see anything
            continue
        entries = [entry for tensor in all_tensors(model) for entry in tensor.external_data]
        locations = {readable(entry.value) for entry in entries if readable(entry.key) == "location"}
        try:
            assert locations <= {each.location for each in external_data(path)}
        except BundleError:
            continue


def test_it_misses_nothing_that_protobuf_reads_in_a_damaged_file(tmp_path):
    check_damaged_models(tmp_path, range(60))


@pytest.mark.soak
def test_it_finds_what_onnx_finds_in_thousands_of_graphs(tmp_path):
    check_random_models(tmp_path, range(1000, 1500))
    check_damaged_models(tmp_path, range(1000, 3000))
