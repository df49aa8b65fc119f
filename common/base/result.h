// Result<T>: a value, or an Error that tells a person what happened.
//
// Every function of millrace that can fail returns a Result. Exceptions stop at the edge of the
// library that throws them; the code there turns one into an Error and adds what was being done.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace millrace {

// What kind of failure it is, for code that must decide; the text is for people. The values are the
// stable names of failed.jsonl's `code` where an item is concerned (see ErrorCodeName).
enum class ErrorCode {
  kInternal,           // a broken assumption of our own
  kUsage,              // the command line or a configuration is wrong
  kNotFound,           // a file, a run or a name does not exist
  kUnreadable,         // exists and cannot be read (permissions, I/O)
  kWriteFailed,        // cannot be written (full disk, permissions)
  kUnavailable,        // a peer or a service does not answer
  kProtocol,           // a message that does not follow PROTOCOL.md
  kNotAnImage,         // no known image signature
  kEmpty,              // zero bytes
  kTruncated,          // ends before its data does
  kCorrupt,            // a decoder refused its data
  kTooLarge,           // over a cap on bytes, pixels or side
  kUnsupportedFormat,  // a known format that this build does not read
  kBadCrc,             // data that a checksum in the file contradicts
  kTrailingData,       // bytes behind the end of the picture
  kExtensionMismatch,  // another format than the name says
  kBadMetadata,        // EXIF or a side chunk is broken; the pixels are not
  kSuspicious,         // signs of damage, though every pixel decodes as it should
  kPreviewOnly,        // only a preview of the picture was read: its own data is of another kind
  kTimeout,
  kWorkerDied,
  kLostWorker,
};

// The stable text of a code: "not-an-image", "write-failed", …
std::string_view ErrorCodeName(ErrorCode code);

// The code of a stable text; kInternal where the text is unknown.
ErrorCode ErrorCodeFromName(std::string_view name);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // what was attempted, on what, what happened, what to do

  // The same error with "context: " put before its message.
  [[nodiscard]] Error WithContext(std::string_view context) const&;
};

template <typename T>
using Result = tl::expected<T, Error>;

// return Fail(ErrorCode::kUnreadable, "cannot open x: ...");
inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}
inline tl::unexpected<Error> Fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

// "No such file or directory" for ENOENT; thread-safe.
std::string ErrnoText(int error_number);

}  // namespace millrace

#define MILLRACE_CONCAT_INNER(a, b) a##b
#define MILLRACE_CONCAT(a, b) MILLRACE_CONCAT_INNER(a, b)

// RETURN_IF_ERROR(DoIt());  leaves the function with the error of a Result<void>.
#define RETURN_IF_ERROR(expression) \
  RETURN_IF_ERROR_INNER(MILLRACE_CONCAT(millrace_result_, __COUNTER__), expression)
#define RETURN_IF_ERROR_INNER(temporary, expression)         \
  do {                                                       \
    if (auto temporary = (expression); !temporary) {         \
      return ::millrace::Fail(std::move(temporary).error()); \
    }                                                        \
  } while (false)

// ASSIGN_OR_RETURN(auto x, Make());  names the value, or leaves the function with the error.
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(MILLRACE_CONCAT(millrace_value_, __COUNTER__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(temporary, declaration, expression)       \
  auto temporary = (expression);                                         \
  if (!temporary) return ::millrace::Fail(std::move(temporary).error()); \
  declaration = std::move(*temporary)
