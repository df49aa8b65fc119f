// What a request is refused with, and a condition that several have. Private to the broker.
#pragma once

#include <string>
#include <utility>

#include "common/base/result.h"
#include "common/wire/messages.h"

namespace millrace {

inline wire::ErrorReply Refusal(const Error& error) {
  return {std::string(ErrorCodeName(error.code)), error.message};
}
inline wire::ErrorReply Refusal(ErrorCode code, std::string text) {
  return Refusal(Error{code, std::move(text)});
}

}  // namespace millrace
