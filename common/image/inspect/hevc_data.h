// What can be said of HEVC data without decoding it.
#pragma once

#include <optional>

#include "common/image/inspect/inspectors.h"

namespace millrace {

// kCorrupt where the coded data of a picture in a HEIF file has a sequence of bytes that HEVC does
// not allow within it, as a hole of zeros in the file is one: libde265 decodes what is left without
// a word. Total; time is bounded by the file's size.
std::optional<Finding> CheckHevcData(FileBytes file);

// Where within a NAL unit the first 00 00 00, 00 00 01 or 00 00 02 is (ITU-T H.265, 7.4.2: none of
// them occurs there, 03 is put between). Zeros at its end are passed over: they are none of its
// data, and some programs leave them there.
std::optional<std::size_t> FindForbiddenZeros(FileBytes nal_unit);

}  // namespace millrace
