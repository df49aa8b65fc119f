// SHA-256, by libcrypto.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace millrace {

// The digest's 32 bytes.
Result<std::string> Sha256(std::span<const std::byte> bytes);
Result<std::string> Sha256(std::string_view bytes);

// Of a file's bytes, in lower-case hexadecimal. kNotFound or kUnreadable where it cannot be read.
Result<std::string> Sha256OfFile(const std::string& path);

// Two lower-case digits a byte.
std::string Hex(std::string_view bytes);

}  // namespace millrace
