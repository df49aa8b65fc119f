#include "stages/inference/unpickler/pickle.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <optional>
#include <unordered_map>
#include <utility>

#include "stages/inference/unpickler/byte_reader.h"
#include "stages/inference/unpickler/printable.h"
#include "stages/inference/unpickler/state_dict.h"

namespace millrace {
namespace {

using Kind = PickleValue::Kind;

// Instructions bound the stack and the memo, as kMaxValues bounds the values.
constexpr std::size_t kMaxInstructions = 4'000'000;

// Names as in CPython's Lib/pickletools.py.
enum Opcode : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kInst = 'i',
  kLongBinGet = 'j',
  kList = 'l',
  kEmptyList = ']',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kEmptyTuple = ')',
  kSetItems = 'u',
  kDict = 'd',
  kEmptyDict = '}',
  kBinFloat = 'G',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

}  // namespace

class PickleMachine {
 public:
  explicit PickleMachine(std::span<const std::byte> bytes)
      : in_(bytes.first(std::min(bytes.size(), kMaxPickleBytes))), all_(bytes.size()) {}

  Result<Pickle> Run() {
    for (std::size_t count = 0; count < kMaxInstructions; ++count) {
      const auto opcode = in_.Number<std::uint8_t>();
      if (!opcode) return Ended();
      if (*opcode == kStop) {
        ASSIGN_OR_RETURN(PickleValue * root, Pop());
        if (!stack_.empty() || !marks_.empty()) return Malformed("values are left at its end");
        pickle_.root_ = root;
        pickle_.size_bytes_ = in_.position();
        return std::move(pickle_);
      }
      RETURN_IF_ERROR(Step(*opcode));
      if (pickle_.values_.size() > Pickle::kMaxValues) break;
    }
    return TooLarge();
  }

 private:
  using Done = Result<void>;
  using Values = std::vector<PickleValue*>;

  static tl::unexpected<Error> TooLarge() {
    return Fail(ErrorCode::kTooLarge, "its pickle is larger than that of any state dict");
  }

  [[nodiscard]] tl::unexpected<Error> Ended() const {
    if (all_ > kMaxPickleBytes) return TooLarge();
    return Fail(ErrorCode::kTruncated, "its pickle ends too early: cut short or damaged");
  }

  static tl::unexpected<Error> Malformed(const std::string& what) {
    return Fail(ErrorCode::kCorrupt, "its pickle is damaged: " + what);
  }

  // os.system is pickled under the name of the module that implements it.
  static tl::unexpected<Error> Refuse(const std::string& name) {
    std::string also;
    for (const std::string_view module : {"posix.", "nt."}) {
      if (name.starts_with(module)) also = " (os." + name.substr(module.size()) + ")";
    }
    return Fail(ErrorCode::kUnsupportedFormat,
                "the file names " + Printable(name) + Printable(also) +
                    ", which a state dict never needs: refused. If you trust the file, load it in "
                    "Python and save model.state_dict() alone");
  }

  PickleValue* Make(Kind kind) {
    PickleValue& value = pickle_.values_.emplace_back();
    value.kind = kind;
    return &value;
  }

  Done Push(PickleValue* value) {
    stack_.push_back(value);
    return {};
  }

  Done PushInteger(std::int64_t integer, Kind kind = Kind::kInteger) {
    PickleValue* value = Make(kind);
    value->integer = integer;
    return Push(value);
  }

  Done PushText(std::optional<std::string_view> text, Kind kind = Kind::kText) {
    if (!text) return Ended();
    PickleValue* value = Make(kind);
    value->text = *text;
    return Push(value);
  }

  // A text preceded by its size, a T.
  template <typename T>
  Done PushSizedText() {
    const auto size = in_.Number<T>();
    return PushText(size ? in_.Text(*size) : std::nullopt);
  }

  [[nodiscard]] std::size_t Floor() const { return marks_.empty() ? 0 : marks_.back(); }

  Result<PickleValue*> Pop() {
    if (stack_.size() <= Floor()) return Malformed("it takes a value that is not there");
    PickleValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }

  Result<PickleValue*> Top() {
    if (stack_.size() <= Floor()) return Malformed("it takes a value that is not there");
    return stack_.back();
  }

  Result<Values> PopToMark() {
    if (marks_.empty()) return Malformed("it takes values up to a mark that is not there");
    Values values(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return values;
  }

  Done PushItems(Kind kind, const Values& items) {
    PickleValue* value = Make(kind);
    value->items.assign(items.begin(), items.end());
    return Push(value);
  }

  Done PushTupleOf(std::size_t count) {
    if (stack_.size() < Floor() + count) return Malformed("a tuple lacks its items");
    const Values items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return PushItems(Kind::kTuple, items);
  }

  Done AppendTo(const Values& items, Kind kind) {
    ASSIGN_OR_RETURN(PickleValue * target, Top());
    if (target->kind != kind) return Malformed("items are added to a value that takes none");
    if (kind == Kind::kDict && items.size() % 2 != 0) return Malformed("a key lacks its value");
    target->items.insert(target->items.end(), items.begin(), items.end());
    return {};
  }

  template <typename T>
  Done Put() {
    const auto index = in_.Number<T>();
    if (!index) return Ended();
    return Remember(*index);
  }

  Done Remember(std::uint64_t index) {
    ASSIGN_OR_RETURN(memo_[index], Top());
    return {};
  }

  template <typename T>
  Done Get() {
    const auto index = in_.Number<T>();
    if (!index) return Ended();
    const auto found = memo_.find(*index);
    if (found == memo_.end()) return Malformed("it recalls a value that it never stored");
    return Push(found->second);
  }

  template <typename T>
  Done PushLong() {
    const auto size = in_.Number<T>();
    const auto bytes = size ? in_.Text(*size) : std::nullopt;
    if (!bytes) return Ended();
    if (bytes->size() > 8) return PushText(bytes, Kind::kBigInteger);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes->size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>((*bytes)[i])} << (8 * i);
    }
    // Two's complement, as short as it may be: carry the sign on.
    if (!bytes->empty() && bytes->size() < 8 && (bytes->back() & 0x80) != 0) {
      value |= ~std::uint64_t{0} << (8 * bytes->size());
    }
    return PushInteger(static_cast<std::int64_t>(value));
  }

  Done PushFloat() {
    const auto bits = in_.Number<std::uint64_t>();
    if (!bits) return Ended();
    std::uint64_t native = 0;  // pickled big-endian
    for (int i = 0; i < 8; ++i) native |= ((*bits >> (8 * i)) & 0xff) << (8 * (7 - i));
    PickleValue* value = Make(Kind::kNumber);
    value->number = std::bit_cast<double>(native);
    return Push(value);
  }

  Done PushName(std::string_view module, std::string_view attribute) {
    std::string name = std::string(module) + "." + std::string(attribute);
    if (!IsStateDictName(name)) return Refuse(name);
    PickleValue* value = Make(Kind::kName);
    value->name = std::move(name);
    return Push(value);
  }

  Result<std::pair<std::string_view, std::string_view>> TwoLines() {
    const auto module = in_.Line();
    const auto attribute = in_.Line();
    if (!module || !attribute) return Ended();
    return std::pair{*module, *attribute};
  }

  Done Call() {
    ASSIGN_OR_RETURN(PickleValue * arguments, Pop());
    ASSIGN_OR_RETURN(PickleValue * callee, Pop());
    if (callee->kind != Kind::kName || arguments->kind != Kind::kTuple) {
      return Malformed("it calls what is not callable");
    }
    if (callee->name == "collections.OrderedDict") return MakeOrderedDict(*arguments);
    PickleValue* value = Make(Kind::kCall);
    value->name = callee->name;
    value->items.push_back(arguments);
    return Push(value);
  }

  // OrderedDict(), or Python 2's OrderedDict([[key, value], ...]).
  Done MakeOrderedDict(const PickleValue& arguments) {
    PickleValue* dict = Make(Kind::kDict);
    if (arguments.items.size() > 1) return Malformed("an OrderedDict of more than one argument");
    if (arguments.items.size() == 1) {
      if (arguments.items[0]->kind != Kind::kList) return Malformed("an OrderedDict of no list");
      // One list may be given to many calls, and memory would not be bounded: Python pickles a list
      // for each call, so that there are fewer items than bytes that tell of them.
      copied_ += arguments.items[0]->items.size();
      if (copied_ > in_.position()) return TooLarge();
      for (const PickleValue* pair : arguments.items[0]->items) {
        if ((pair->kind != Kind::kList && pair->kind != Kind::kTuple) || pair->items.size() != 2) {
          return Malformed("an OrderedDict of what are no pairs");
        }
        dict->items.insert(dict->items.end(), pair->items.begin(), pair->items.end());
      }
    }
    return Push(dict);
  }

  // Attributes of an OrderedDict: `_metadata`, the versions of the modules. Of no use here.
  Done Build() {
    ASSIGN_OR_RETURN(const PickleValue* state, Pop());
    ASSIGN_OR_RETURN(const PickleValue* target, Top());
    if (target->kind != Kind::kDict || state->kind != Kind::kDict) {
      return Malformed("it sets attributes of what is no OrderedDict");
    }
    return {};
  }

  Done Persist() {
    ASSIGN_OR_RETURN(const PickleValue* id, Pop());
    PickleValue* value = Make(Kind::kPersistent);
    value->items.push_back(id);
    pickle_.persistent_ids_.push_back(value);
    return Push(value);
  }

  Done Step(std::uint8_t opcode);

  ByteReader in_;
  std::size_t all_;
  std::size_t copied_ = 0;
  Pickle pickle_;
  Values stack_;
  std::vector<std::size_t> marks_;  // heights of stack_
  std::unordered_map<std::uint64_t, PickleValue*> memo_;
};

Result<void> PickleMachine::Step(std::uint8_t opcode) {
  switch (opcode) {
    case kProto: {
      const auto version = in_.Number<std::uint8_t>();
      if (!version) return Ended();
      if (*version < 2 || *version > 5) return Malformed("an unknown protocol");
      return {};
    }
    case kFrame:
      if (!in_.Number<std::uint64_t>()) return Ended();
      return {};
    case kMark:
      marks_.push_back(stack_.size());
      return {};
    case kPop: {
      RETURN_IF_ERROR(Pop());
      return {};
    }
    case kPopMark: {
      RETURN_IF_ERROR(PopToMark());
      return {};
    }
    case kDup: {
      ASSIGN_OR_RETURN(PickleValue * top, Top());
      return Push(top);
    }
    case kNone:
      return Push(Make(Kind::kNone));
    case kNewTrue:
      return PushInteger(1, Kind::kBool);
    case kNewFalse:
      return PushInteger(0, Kind::kBool);
    case kBinInt: {
      const auto value = in_.Number<std::int32_t>();
      return value ? PushInteger(*value) : Done(Ended());
    }
    case kBinInt1: {
      const auto value = in_.Number<std::uint8_t>();
      return value ? PushInteger(*value) : Done(Ended());
    }
    case kBinInt2: {
      const auto value = in_.Number<std::uint16_t>();
      return value ? PushInteger(*value) : Done(Ended());
    }
    case kLong1:
      return PushLong<std::uint8_t>();
    case kLong4:
      return PushLong<std::uint32_t>();
    case kBinFloat:
      return PushFloat();
    case kShortBinString:
    case kShortBinUnicode:
      return PushSizedText<std::uint8_t>();
    case kBinString:
    case kBinUnicode:
      return PushSizedText<std::uint32_t>();
    case kBinUnicode8:
      return PushSizedText<std::uint64_t>();
    case kEmptyTuple:
      return PushItems(Kind::kTuple, {});
    case kEmptyList:
      return PushItems(Kind::kList, {});
    case kEmptyDict:
      return PushItems(Kind::kDict, {});
    case kTuple1:
      return PushTupleOf(1);
    case kTuple2:
      return PushTupleOf(2);
    case kTuple3:
      return PushTupleOf(3);
    case kTuple: {
      ASSIGN_OR_RETURN(const Values items, PopToMark());
      return PushItems(Kind::kTuple, items);
    }
    case kList: {
      ASSIGN_OR_RETURN(const Values items, PopToMark());
      return PushItems(Kind::kList, items);
    }
    case kDict: {
      ASSIGN_OR_RETURN(const Values items, PopToMark());
      if (items.size() % 2 != 0) return Malformed("a key lacks its value");
      return PushItems(Kind::kDict, items);
    }
    case kAppend: {
      ASSIGN_OR_RETURN(PickleValue * item, Pop());
      return AppendTo({item}, Kind::kList);
    }
    case kAppends: {
      ASSIGN_OR_RETURN(const Values items, PopToMark());
      return AppendTo(items, Kind::kList);
    }
    case kSetItem: {
      ASSIGN_OR_RETURN(PickleValue * value, Pop());
      ASSIGN_OR_RETURN(PickleValue * key, Pop());
      return AppendTo({key, value}, Kind::kDict);
    }
    case kSetItems: {
      ASSIGN_OR_RETURN(const Values items, PopToMark());
      return AppendTo(items, Kind::kDict);
    }
    case kBinPut:
      return Put<std::uint8_t>();
    case kLongBinPut:
      return Put<std::uint32_t>();
    case kMemoize:
      return Remember(memo_.size());
    case kBinGet:
      return Get<std::uint8_t>();
    case kLongBinGet:
      return Get<std::uint32_t>();
    case kGlobal: {
      ASSIGN_OR_RETURN(const auto name, TwoLines());
      return PushName(name.first, name.second);
    }
    case kInst: {
      ASSIGN_OR_RETURN(const auto name, TwoLines());
      return Refuse(std::string(name.first) + "." + std::string(name.second));
    }
    case kStackGlobal: {
      ASSIGN_OR_RETURN(const PickleValue* attribute, Pop());
      ASSIGN_OR_RETURN(const PickleValue* module, Pop());
      if (attribute->kind != Kind::kText || module->kind != Kind::kText) {
        return Malformed("a name that is no text");
      }
      return PushName(module->text, attribute->text);
    }
    case kReduce:
      return Call();
    case kBuild:
      return Build();
    case kBinPersId:
      return Persist();
    default: {
      char text[8];
      std::snprintf(text, sizeof text, "0x%02x", opcode);
      return Fail(ErrorCode::kUnsupportedFormat, std::string("its pickle uses the instruction ") +
                                                     text +
                                                     ", which a state dict never needs: refused");
    }
  }
}

const PickleValue* PickleValue::Entry(std::string_view key) const {
  if (kind != Kind::kDict) return nullptr;
  const PickleValue* found = nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i]->kind == Kind::kText && items[i]->text == key) found = items[i + 1];
  }
  return found;
}

Result<Pickle> Pickle::Read(std::span<const std::byte> bytes) { return PickleMachine(bytes).Run(); }

}  // namespace millrace
