// A text file that somebody wrote, as UTF-8 bytes, whichever of Unicode's marks it begins with:
//
//   EF BB BF       UTF-8      the mark is left out
//   FF FE, FE FF   UTF-16     becomes UTF-8
//   FF FE 00 00, 00 00 FE FF  UTF-32: refused
//   none                      the bytes as they are, UTF-8 or not: file names are bytes
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace millrace {

// "UTF-8", "UTF-16" or "UTF-32", by the mark that these first bytes (four are enough) are; "" where
// they are none.
std::string_view TextMarkName(std::string_view head);

class TextReader {
 public:
  static constexpr int kEnd = -1;

  // From `offset` on, which is 0 or what offset() gave of the same file. kUnreadable where it
  // cannot be read; kUsage for UTF-32. `what` names it in messages: "the list of files LIST".
  static Result<TextReader> Open(const std::string& path, std::string what,
                                 std::uint64_t offset = 0);

  // The same of an open file, wherever it stands; it must be one that can be sought.
  static Result<TextReader> Of(std::unique_ptr<std::FILE, int (*)(std::FILE*)> file,
                               std::string what, std::uint64_t offset = 0);

  // The next byte, or kEnd. kUsage where UTF-16 is malformed.
  Result<int> Get();
  // Bytes of the file behind the last character that Get has given whole.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

 private:
  enum class Encoding { kBytes, kUtf16Le, kUtf16Be };

  explicit TextReader(std::string what) : what_(std::move(what)) {}
  Result<int> GetOfUtf16();
  // The next two bytes, or kEnd.
  Result<int> Unit();
  [[nodiscard]] Error Cannot(int error_number) const;
  [[nodiscard]] Error Malformed() const;

  std::string what_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, &std::fclose};
  Encoding encoding_ = Encoding::kBytes;
  std::uint64_t offset_ = 0;
  std::string pending_;  // of the last character, from `given_` on
  std::size_t given_ = 0;
};

// The next line into `line`, without its end, "\n" or "\r\n"; false at the end of the file.
Result<bool> ReadLine(TextReader& reader, std::string& line);

}  // namespace millrace
