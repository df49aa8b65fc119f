// Bilinear upsampling and the class of the highest logit, as one step: the 19 x 512 x 512 floats
// between the two (20 MB a picture) are never stored.
#pragma once

#include <cstdint>

namespace millrace {

// `logits` are classes x height x width floats; `labels` has out_height x out_width bytes, of which
// rows [first_row, last_row) are written. 1 <= classes <= 256; sizes are positive.
//
// Weights as in torch.nn.functional.interpolate(mode="bilinear", align_corners=True); the sums are
// those of its CPU kernel up to rounding (columns first, then rows). Of equal logits the first
// class wins, as in torch.argmax.
void UpsampleArgmax(const float* logits, std::int64_t classes, std::int64_t height,
                    std::int64_t width, std::int64_t out_height, std::int64_t out_width,
                    std::int64_t first_row, std::int64_t last_row, std::uint8_t* labels);

}  // namespace millrace
