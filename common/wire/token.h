// The short words of the protocol: what the broker counts by, and what it names files by.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace::wire {

inline constexpr std::size_t kMaxTokenBytes = 64;
inline constexpr std::size_t kMaxRecordNameBytes = 32;
inline constexpr std::size_t kMaxWarnings = 64;  // of one result

// [a-z0-9-]{1,64}: a failure's code, a skip's reason, a warning. Each is a key of the report and of
// the status, so what varies from item to item belongs into a failure's text.
bool IsToken(std::string_view text);

// [a-z0-9-]{1,32}, and not the name of a file that the broker writes itself: "failed", "deleted",
// "report".
bool IsRecordName(std::string_view text);

// Why it is none, for the text of a failure: "its code 'No such file...' is not [a-z0-9-]{1,64}".
// `what` is "code", "reason", "warning"; what was given is cut to kMaxTokenBytes.
std::string InvalidToken(std::string_view what, std::string_view given);
std::string InvalidRecordName(std::string_view given);

}  // namespace millrace::wire
