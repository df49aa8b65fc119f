// The wire's decoders under libFuzzer: any frames give a message or an error, in memory bounded by
// the bytes that came; and what a decoder takes, the encoder writes so that it is taken again as
// the same message.
//
// Input: frames, each behind its size as two bytes, little-endian; a size beyond the input's end
// means up to there. The first frame is the head, and is tried as a meta too.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/payload/meta.h"
#include "common/wire/codec.h"
#include "tests/fuzz/heap_peak.h"
#include "tests/fuzz/require.h"

namespace millrace {
namespace {

using wire::Frames;

Frames FramesOf(std::string_view input) {
  Frames frames;
  while (input.size() >= 2) {
    const std::size_t size = static_cast<unsigned char>(input[0]) |
                             std::size_t{static_cast<unsigned char>(input[1])} << 8;
    input.remove_prefix(2);
    frames.push_back(Buffer::Copy(input.substr(0, size)));
    input.remove_prefix(std::min(size, input.size()));
  }
  return frames;
}

std::size_t BytesOf(const Frames& frames) {
  std::size_t bytes = 0;
  for (const Buffer& frame : frames) bytes += frame.size();
  return bytes;
}

bool Same(const Frames& a, const Frames& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Buffer& x, const Buffer& y) { return x.text() == y.text(); });
}

template <typename Message>
void Check(const Frames& frames, Result<Message> (*decode)(std::span<const Buffer>)) {
  // codec.h promises a small multiple. The worst head is nothing but headers of arrays as long as
  // itself, eight deep: msgpack-cxx takes 24 bytes for each entry, rounded up to a power of two.
  const HeapPeak peak;
  const Result<Message> message = decode(frames);
  Require(peak.bytes() <= 64 * 1024 + 512 * BytesOf(frames),
          "decoding takes memory in proportion to the bytes, not " + std::to_string(peak.bytes()));
  if (!message) {
    Require(message.error().code == ErrorCode::kProtocol && !message.error().message.empty(),
            "an error is of the protocol, and says what is wrong");
    return;
  }
  const Frames encoded = Encode(*message);
  const Result<Message> again = decode(encoded);
  Require(again.has_value(),
          "what was decoded can be sent on: " + (again ? std::string() : again.error().message));
  // Messages have no ==, but one encoding each.
  Require(Same(Encode(*again), encoded), "a message survives the wire unchanged");
}

void CheckMeta(std::string_view bytes) {
  const Result<Meta> meta = Meta::Decode(bytes);
  if (!meta) return;
  const std::string encoded = meta->Encode();
  if (encoded.size() > kMaxMetaBytes) return;  // a short text grows by a byte
  const Result<Meta> again = Meta::Decode(encoded);
  Require(again && again->Encode() == encoded, "a meta survives the wire unchanged");
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  const Frames frames = FramesOf({reinterpret_cast<const char*>(data), size});
  Check<wire::FeedMessage>(frames, wire::DecodeFeed);
  Check<wire::ReportMessage>(frames, wire::DecodeReport);
  Check<wire::RequestEnvelope>(frames, wire::DecodeRequest);
  Check<wire::ReplyEnvelope>(frames, wire::DecodeReply);
  (void)wire::RequestIdOf(frames);
  if (!frames.empty()) CheckMeta(frames.front().text());
  return 0;
}
