// Names for threads, as `top -H` and a debugger show them.
#pragma once

#include <string>

namespace millrace {

// Names the calling thread; the kernel keeps 15 bytes. Not for the main thread: its name is the
// process's, and people look for that.
void NameThread(const std::string& name);

}  // namespace millrace
