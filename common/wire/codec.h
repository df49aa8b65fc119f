// Messages ⇄ frames. Frame 0 is a msgpack map; each payload part follows as one raw frame.
//
// Decoding is total: any frames give a message or a kProtocol error that names the field, never a
// crash, and never an allocation beyond a small multiple of the bytes received. Unknown fields are
// ignored, so that a newer peer may say more.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/base/result.h"
#include "common/payload/payload.h"
#include "common/wire/messages.h"

namespace millrace::wire {

// A multipart message: frames[0] is the head.
using Frames = std::vector<Buffer>;

inline constexpr std::size_t kMaxHeadBytes = 8u << 20;
inline constexpr std::size_t kMaxArrayEntries = 65536;
inline constexpr std::size_t kMaxParts = 64;        // of one job or result
inline constexpr std::size_t kMaxTextBytes = 4096;  // of a failure's text; longer is cut
inline constexpr std::size_t kMaxKeyBytes = 64 * 1024;
inline constexpr std::size_t kMaxOutputs = 64;  // files of one result
inline constexpr std::size_t kMaxRecipeBytes = 64;

Frames Encode(const FeedMessage& message);
Frames Encode(const ReportMessage& message);
Frames Encode(const RequestEnvelope& message);
Frames Encode(const ReplyEnvelope& message);

Result<FeedMessage> DecodeFeed(std::span<const Buffer> frames);
Result<ReportMessage> DecodeReport(std::span<const Buffer> frames);
Result<RequestEnvelope> DecodeRequest(std::span<const Buffer> frames);
Result<ReplyEnvelope> DecodeReply(std::span<const Buffer> frames);

// The request id of a head that DecodeRequest refused, for answering with an error; 0 if it has
// none.
std::uint64_t RequestIdOf(std::span<const Buffer> frames);

}  // namespace millrace::wire
