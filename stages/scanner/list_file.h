// The files that a run's options name: lists of paths. Whoever may submit a run may name any, so
// what is not a list must neither be waited for nor be told.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "common/base/result.h"

namespace millrace {

using ListFile = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// Opens it to be read. `what` it is, for messages: "the list of files". kUnreadable where it cannot
// be opened or is no regular file (a FIFO would be waited for, a device never ends), kUsage where
// `path` is not absolute.
Result<ListFile> OpenListFile(const std::string& path, const std::string& what);

}  // namespace millrace
