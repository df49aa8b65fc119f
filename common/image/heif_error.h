// What libheif says of a file, in our codes. Only where libheif was found (MILLRACE_HAVE_HEIF).
#pragma once

#include <libheif/heif.h>

#include "common/base/result.h"
#include "common/image/sniff.h"

namespace millrace {

// kTruncated, kCorrupt, kUnsupportedFormat (naming the package that may be missing), kTooLarge.
// `error` is one, not heif_error_Ok.
Error HeifError(const heif_error& error, ImageFormat format);

}  // namespace millrace
