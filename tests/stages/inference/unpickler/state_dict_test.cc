#include "stages/inference/unpickler/state_dict.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace millrace {
namespace {

const std::string kFolder = std::string(MILLRACE_TEST_DATA) + "/";

std::vector<std::byte> ReadFile(const std::string& name) {
  std::ifstream in(kFolder + name, std::ios::binary);
  REQUIRE(in.is_open());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> Bytes(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string Hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

std::string Contents(const StateTensor& tensor) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(tensor.NumElements()) *
                               ElementTypeSize(tensor.type));
  tensor.CopyTo(bytes);
  return Hex(bytes);
}

// What PyTorch says is in the file, in the file's order.
void CheckAgainstPyTorch(const std::string& name) {
  CAPTURE(name);
  const auto state = LoadStateDict(kFolder + name + ".pth");
  INFO((state ? "" : state.error().message));
  REQUIRE(state);
  std::ifstream expected(kFolder + name + ".tsv");
  std::size_t count = 0;
  for (std::string line; std::getline(expected, line); ++count) {
    std::istringstream fields(line);
    std::string tensor_name, type, shape, contents;
    fields >> tensor_name >> type >> shape >> contents;
    CAPTURE(tensor_name);
    REQUIRE(count < state->tensors.size());
    const StateTensor& tensor = state->tensors[count];
    CHECK(tensor.name == tensor_name);
    CHECK(ElementTypeName(tensor.type) == type);
    CHECK(FormatShape(tensor.shape) == shape);
    CHECK(Contents(tensor) == contents);
    CHECK(state->Find(tensor_name) == &tensor);
  }
  CHECK(count > 15);
  CHECK(count == state->tensors.size());
}

std::string ErrorOf(const std::string& name) {
  const auto state = LoadStateDict(kFolder + name);
  REQUIRE(!state);
  return state.error().message;
}

// Reads every tensor, as far as that is bounded: where a check is missing, ASan sees it here.
void ReadAll(std::span<const std::byte> file) {
  const auto state = ReadStateDict(file);
  if (!state) {
    CHECK(!state.error().message.empty());
    return;
  }
  for (const StateTensor& tensor : state->tensors) {
    if (tensor.NumElements() < 100'000) Contents(tensor);
  }
  CHECK(FormatStateDict(*state).size() < 100'000);
}

TEST_CASE("state dicts of every layout hold what PyTorch says they hold") {
  for (const std::string name :
       {"zip", "legacy", "protocol4", "plain_dict", "data_parallel", "checkpoint",
        "checkpoint_legacy", "from_cuda", "from_cuda_legacy"}) {
    CheckAgainstPyTorch(name);
  }
}

TEST_CASE("the format is told without reading the tensors") {
  CHECK(DetectWeightsFormat(kFolder + "zip.pth") == WeightsFormat::kZip);
  CHECK(DetectWeightsFormat(kFolder + "legacy.pth") == WeightsFormat::kLegacy);
  CHECK(DetectWeightsFormat(kFolder + "torchscript.pt") == WeightsFormat::kTorchScript);
  CHECK(DetectWeightsFormat(kFolder + "zip.tsv").error().code == ErrorCode::kUnsupportedFormat);
}

TEST_CASE("a pickle that names os.system is refused by that name") {
  for (const std::string name : {"os_system.pth", "inst.pth", "shell.pth", "shell_legacy.pth"}) {
    CAPTURE(name);
    const std::string error = ErrorOf(name);
    CHECK(error.find("os.system") != std::string::npos);
    CHECK(error.find("which a state dict never needs: refused") != std::string::npos);
  }
}

TEST_CASE("a plain pickle that names os.system is refused by that name, wherever it stands") {
  for (const std::string name :
       {"plain_shell_2.pth", "plain_shell_4.pth", "plain_shell_letters.pth"}) {
    CAPTURE(name);
    for (const std::string& error :
         {ErrorOf(name), DetectWeightsFormat(kFolder + name).error().message}) {
      CHECK(error.find("a plain pickle: the file names posix.system (os.system)") !=
            std::string::npos);
    }
  }
  CHECK(ErrorOf("plain_numbers.pth").find("a plain pickle: save model.state_dict()") !=
        std::string::npos);
  const auto letters = ReadStateDict(Bytes("class,count\nskin,3\n"));
  REQUIRE(!letters);
  CHECK(letters.error().message == "it is no file of torch.save");
}

TEST_CASE("a whole pickled module is refused with the name of its class") {
  const std::string error = ErrorOf("whole_module.pth");
  CHECK(error.find("torch.nn.modules.linear.Linear") != std::string::npos);
  CHECK(error.find("save model.state_dict()") != std::string::npos);
}

TEST_CASE("what is no state dict is named for what it is") {
  CHECK(ErrorOf("torchscript.pt").find("`model: torchscript`") != std::string::npos);
  CHECK(ErrorOf("list.pth").find("it holds a list") != std::string::npos);
  CHECK(ErrorOf("no_tensors.pth").find("it holds no tensors") != std::string::npos);
  CHECK(ErrorOf("compressed.pth").find("its entries are compressed") != std::string::npos);
  CHECK(LoadStateDict(kFolder + "absent.pth").error().code == ErrorCode::kNotFound);
  CHECK(LoadStateDict(MILLRACE_TEST_DATA).error().code == ErrorCode::kUnreadable);
  const auto page = ReadStateDict(Bytes("\n<!DOCTYPE html><html>Not found</html>"));
  REQUIRE(!page);
  CHECK(page.error().message.find("a web page") != std::string::npos);
}

TEST_CASE("entries that are no tensors are listed, not lost") {
  const auto state = ReadStateDict(ReadFile("zip.pth"));
  REQUIRE(state);
  CHECK(state->ignored.empty());
  CHECK(FormatStateDict(*state).find("state dict, zip format (PyTorch 1.6 or later): 21 tensors") ==
        0);
}

TEST_CASE("a file cut at any byte gives an error, never a state dict") {
  for (const std::string name : {"zip.pth", "legacy.pth"}) {
    const std::vector<std::byte> file = ReadFile(name);
    for (std::size_t size = 0; size < file.size(); ++size) {
      // A copy of that very size, so that ASan sees one byte too many.
      const std::vector<std::byte> cut(file.begin(),
                                       file.begin() + static_cast<std::ptrdiff_t>(size));
      CAPTURE(size);
      CHECK(!ReadStateDict(cut));
    }
  }
}

TEST_CASE("a file with any byte changed gives an error or tensors inside the file") {
  for (const std::string name : {"zip.pth", "legacy.pth", "checkpoint.pth", "protocol4.pth"}) {
    std::vector<std::byte> file = ReadFile(name);
    for (std::byte& byte : file) {
      const std::byte before = byte;
      for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
        byte = before ^ std::byte(flip);
        ReadAll(file);
      }
      byte = before;
    }
  }
}

// A zip file with the one entry a/data.pkl.
std::vector<std::byte> ZipOf(const std::string& pickle) {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(i < 8 ? value >> (8 * i) & 0xff : 0);
    return text;
  };
  const std::string name = "a/data.pkl";
  const std::string sizes = number(0, 4) + number(pickle.size(), 4) + number(pickle.size(), 4);
  const std::string local =
      "PK\x03\x04" + number(0, 10) + sizes + number(name.size(), 2) + number(0, 2) + name + pickle;
  const std::string entry =
      "PK\x01\x02" + number(0, 12) + sizes + number(name.size(), 2) + number(0, 16) + name;
  return Bytes(local + entry + "PK\x05\x06" + number(0, 4) + number(1, 2) + number(1, 2) +
               number(entry.size(), 4) + number(local.size(), 4) + number(0, 2));
}

std::string ErrorOfPickle(const std::string& pickle) {
  const auto state = ReadStateDict(ZipOf(pickle));
  REQUIRE(!state);
  return state.error().message;
}

TEST_CASE("a pickle that builds a tower of lists neither overflows the stack nor the memory") {
  const std::string nested = std::string(1'000'000, ']') + std::string(999'999, 'a') + ".";
  CHECK(ErrorOfPickle(nested).find("it holds a list") != std::string::npos);
  CHECK(ErrorOfPickle(std::string(5'000'000, ']')).find("larger than that of any state dict") !=
        std::string::npos);
  CHECK(ErrorOfPickle(std::string(5'000'000, '(')).find("larger than that of any state dict") !=
        std::string::npos);
}

TEST_CASE("one list given to OrderedDict again and again does not multiply in memory") {
  // memo 0: OrderedDict, memo 1: ([[pair] * 1000],); then a thousand times OrderedDict(*memo 1).
  std::string pickle =
      "\x80\x02"
      "ccollections\nOrderedDict\nq";
  pickle += std::string(1, '\0') + "0](";
  pickle += "]q\x02(NNe";
  for (int i = 1; i < 1000; ++i) pickle += "h\x02";
  pickle +=
      "e\x85q\x01"
      "0](";
  for (int i = 0; i < 10'000; ++i) pickle += std::string("h\0h\x01R", 5);
  CHECK(ErrorOfPickle(pickle + "e.").find("larger than that of any state dict") !=
        std::string::npos);
}

// "N bytes" as pickle writes a text of them.
std::string Text(const std::string& text) {
  std::string pickle = "X";
  for (int i = 0; i < 4; ++i) pickle += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return pickle + text;
}

// A tensor, and the reference to its storage: float32, of no elements.
std::string Tensor(const std::string& storage_key, const std::string& sizes,
                   const std::string& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + Text("storage") + "ctorch\nFloatStorage\n" +
         Text(storage_key) + Text("cpu") + std::string("K\0tQK\0", 6) + sizes + strides + "tR";
}

TEST_CASE("one long name given to entry after entry is refused before it is copied again") {
  // A dict of {memo 0: None} pairs; memo 0 is of a megabyte.
  std::string pickle = "\x80\x02}(" + Text(std::string(1 << 20, 'n')) + std::string("q\0N", 3);
  for (int i = 0; i < 100'000; ++i) pickle += std::string("h\0N", 3);
  const std::string error = ErrorOfPickle(pickle + "u.");
  CHECK(error.find("two entries are named nnn") != std::string::npos);
  CHECK(error.size() < 300);
}

TEST_CASE("a storage's key longer than a number is refused") {
  const std::string error = ErrorOfPickle(
      "\x80\x02}" + Text("w") + Tensor(std::string(65, '1'), "K\x01\x85", "K\x01\x85") + "s.");
  CHECK(error.find("a reference to what is no storage") != std::string::npos);
}

// A file before PyTorch 1.6 with that object, and one storage "0" of no elements.
Result<StateDict> ReadLegacy(const std::string& object) {
  using namespace std::string_literals;
  const std::string magic = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.";
  const std::string protocol = "\x80\x02M\xe9\x03.";
  const std::string system = "\x80\x02}" + Text("little_endian") + "\x88s.";
  const std::string keys = "\x80\x02]" + Text("0") + "a.";
  return ReadStateDict(
      Bytes(magic + protocol + system + object + keys + std::string(sizeof(std::int64_t), '\0')));
}

const std::string kEmptyTensor = Tensor("0", std::string("K\0\x85", 3), "K\x01\x85");

TEST_CASE("more tensors than any network has are refused") {
  // The tensor is memo 1; entries "0", "1", ... are all of it.
  std::string pickle = "\x80\x02}(" + Text("0") + kEmptyTensor + "q\x01";
  for (int i = 1; i < 100'000; ++i) pickle += Text(std::to_string(i)) + "h\x01";
  CHECK(ReadLegacy(pickle + "u."));
  const auto one_more = ReadLegacy(pickle + Text("one more") + "h\x01u.");
  REQUIRE(!one_more);
  CHECK(one_more.error().message.find("more tensors than any state dict") != std::string::npos);
}

TEST_CASE("the prefix of DataParallel is not all of a name") {
  const auto state = ReadLegacy("\x80\x02}" + Text("module.") + kEmptyTensor + "s.");
  REQUIRE(state);
  CHECK(state->tensors.at(0).name == "module.");
}

TEST_CASE("a dimension of one element may have any stride") {
  const float numbers[] = {1, 2, 3, 4, 5, 6};
  const StateTensor tensor{.name = "w",
                           .type = ElementType::kFloat32,
                           .shape = {2, 1, 2},
                           .strides = {3, std::numeric_limits<std::int64_t>::max(), 2},
                           .offset = 0,
                           .storage = std::as_bytes(std::span(numbers))};
  float copy[4];
  tensor.CopyTo(std::as_writable_bytes(std::span(copy)));
  CHECK(std::vector<float>(copy, copy + 4) == std::vector<float>{1, 3, 4, 6});
}

TEST_CASE("instructions on an empty stack, a missing memo or a missing mark are errors") {
  for (const char* pickle : {"0.", "a.", "s.", "u.", "e.", "t.", "R.", "b.", "Q.", "h\x05.", "2.",
                             "q\x01.", "\x85.", "(.", "NN.", "\x93.", "}(Nu.", "NNs.", "d."}) {
    CAPTURE(pickle);
    CHECK(!ErrorOfPickle(pickle).empty());
  }
}

}  // namespace
}  // namespace millrace
