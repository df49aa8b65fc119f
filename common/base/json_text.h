// Bytes inside JSON strings. File names are bytes, JSON is text; this is the one place where the
// two meet, for failed.jsonl, records, and everything printed with --json.
//
// The rule: valid UTF-8 stands as it is; each byte 0xNN that is not part of a valid UTF-8 sequence
// becomes the lone surrogate "\udcNN". That is Python's `surrogateescape` (PEP 383), so
// `os.fsencode(json.loads(line)["path"])` gives the name back byte for byte. Sequences that UTF-8
// forbids (overlong forms, encoded surrogates, values above U+10FFFF) count as invalid bytes.
//
// nlohmann::json neither writes nor reads lone surrogates: write such strings with JsonEscapeBytes
// and read them with JsonTextMember.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace millrace {

// What stands between the quotes of a JSON string: ", \ and control characters escaped, invalid
// UTF-8 as above. The result is valid UTF-8.
std::string JsonEscapeBytes(std::string_view bytes);

// The reverse: from what stands between the quotes, the bytes. Takes every escape that JSON knows;
// kProtocol for a bad escape, an unescaped quote or control character, or a lone surrogate that is
// no escaped byte.
Result<std::string> BytesFromJsonText(std::string_view text);

// The bytes of the string member `name` of one JSON object, such as a line of failed.jsonl. Looks
// at top-level members only. kNotFound where there is none, or it is no string; kProtocol where the
// line is no JSON object.
Result<std::string> JsonTextMember(std::string_view object, std::string_view name);

// Likewise the number that is the member `name`: whole, and where it may have a fraction.
Result<std::int64_t> JsonIntegerMember(std::string_view object, std::string_view name);
Result<double> JsonNumberMember(std::string_view object, std::string_view name);

}  // namespace millrace
