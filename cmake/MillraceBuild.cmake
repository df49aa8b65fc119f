# How every target of the project is compiled, and the three functions that define one.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_compile_definitions(MILLRACE_VERSION="${PROJECT_VERSION}")
# RelWithDebInfo is what `release` means here: -O2 -g, and NDEBUG.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(MILLRACE_CCACHE ccache)
if(MILLRACE_CCACHE)
  # Relative paths, so that every clone and every build folder shares what is in the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 ${MILLRACE_CCACHE})
endif()

find_program(MILLRACE_MOLD mold)
find_program(MILLRACE_LLD ld.lld)
if(MILLRACE_MOLD)
  add_link_options(-fuse-ld=mold)
elseif(MILLRACE_LLD)
  add_link_options(-fuse-ld=lld)
endif()

# A library that nothing calls is not loaded: OpenCV's codecs cost a process 0.1 s.
add_link_options(-Wl,--as-needed)

set(MILLRACE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-qual -Wnull-dereference -Wimplicit-fallthrough -Wno-missing-field-initializers)
# Not for everybody: a compiler that is newer than the project may know warnings that it does not.
if(MILLRACE_WERROR)
  list(APPEND MILLRACE_WARNINGS -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # They report inlined standard-library code as ours (gcc bugs 105562, 105329, 80635), and which
  # code is inlined differs from one version to the next.
  list(APPEND MILLRACE_WARNINGS -Wno-restrict -Wno-null-dereference -Wno-maybe-uninitialized)
endif()

if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  list(APPEND MILLRACE_WARNINGS -Wthread-safety)
endif()

# Files of strangers are decoded here: a bug should end the process, not serve the file. The
# sanitizers see more, and do not go with FORTIFY.
if(MILLRACE_HARDEN AND NOT MILLRACE_SANITIZE AND NOT MILLRACE_FUZZ)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    add_compile_options(-fcf-protection=full)
  endif()
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  # FORTIFY needs the optimiser.
  add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  include(CheckPIESupported)
  check_pie_supported(LANGUAGES CXX)
endif()

if(MILLRACE_SANITIZE)
  # -O1 halves the time to compile and keeps the reports' stacks readable.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
endif()

if(MILLRACE_SANITIZE STREQUAL "undefined")
  add_compile_options(-fsanitize=undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=undefined)
elseif(MILLRACE_SANITIZE)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
endif()

# millrace_library(NAME SOURCES a.cc b.cc DEPS x y): a static library of the project.
function(millrace_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${MILLRACE_WARNINGS})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# millrace_executable(NAME SOURCES main.cc DEPS x y): an executable in build/<preset>/bin.
function(millrace_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${MILLRACE_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# millrace_test(NAME SOURCES a_test.cc DEPS x y LABELS slow): a doctest executable, one ctest entry.
# Labels: unit (the default, seconds), slow (more than that), integration (processes), soak (hours).
function(millrace_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_executable(${name} ${CMAKE_SOURCE_DIR}/tests/doctest_main.cc ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_options(${name} PRIVATE ${MILLRACE_WARNINGS})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE
    MILLRACE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" MILLRACE_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} deps::doctest)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "${ARG_LABELS}")
endfunction()
