#include <array>
#include <cstring>
#include <system_error>

#include "common/base/result.h"

namespace millrace {
namespace {

struct CodeName {
  ErrorCode code;
  std::string_view name;
};

constexpr std::array kCodeNames = {
    CodeName{ErrorCode::kInternal, "internal"},
    CodeName{ErrorCode::kUsage, "usage"},
    CodeName{ErrorCode::kNotFound, "not-found"},
    CodeName{ErrorCode::kUnreadable, "unreadable"},
    CodeName{ErrorCode::kWriteFailed, "write-failed"},
    CodeName{ErrorCode::kUnavailable, "unavailable"},
    CodeName{ErrorCode::kProtocol, "protocol"},
    CodeName{ErrorCode::kNotAnImage, "not-an-image"},
    CodeName{ErrorCode::kEmpty, "empty"},
    CodeName{ErrorCode::kTruncated, "truncated"},
    CodeName{ErrorCode::kCorrupt, "corrupt"},
    CodeName{ErrorCode::kTooLarge, "too-large"},
    CodeName{ErrorCode::kUnsupportedFormat, "unsupported-format"},
    CodeName{ErrorCode::kBadCrc, "bad-crc"},
    CodeName{ErrorCode::kTrailingData, "trailing-data"},
    CodeName{ErrorCode::kExtensionMismatch, "extension-mismatch"},
    CodeName{ErrorCode::kBadMetadata, "bad-metadata"},
    CodeName{ErrorCode::kSuspicious, "suspicious"},
    CodeName{ErrorCode::kPreviewOnly, "preview-only"},
    CodeName{ErrorCode::kTimeout, "timeout"},
    CodeName{ErrorCode::kWorkerDied, "worker-died"},
    CodeName{ErrorCode::kLostWorker, "lost-worker"},
};

}  // namespace

std::string_view ErrorCodeName(ErrorCode code) {
  for (const CodeName& entry : kCodeNames) {
    if (entry.code == code) return entry.name;
  }
  return "internal";
}

ErrorCode ErrorCodeFromName(std::string_view name) {
  for (const CodeName& entry : kCodeNames) {
    if (entry.name == name) return entry.code;
  }
  return ErrorCode::kInternal;
}

Error Error::WithContext(std::string_view context) const& {
  Error wrapped{code, std::string(context)};
  wrapped.message += ": ";
  wrapped.message += message;
  return wrapped;
}

std::string ErrnoText(int error_number) { return std::system_category().message(error_number); }

}  // namespace millrace
