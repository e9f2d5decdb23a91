# Runs cargo at every build, because cargo knows what is out of date, and copies its output to fixed paths.

find_program(OSS_RESUMABLE_CARGO NAMES cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin"
             DOC "Path of cargo (Rust 1.89 or newer)")
if(NOT OSS_RESUMABLE_CARGO)
    message(FATAL_ERROR "liboss_resumable is written in Rust: install Rust 1.89 or newer (https://rustup.rs), "
                        "or set -DOSS_RESUMABLE_CARGO=… to the path of cargo")
endif()

set(oss_resumable_cargo_dir "${PROJECT_BINARY_DIR}/cargo")
set(oss_resumable_lib_dir "${PROJECT_BINARY_DIR}/lib")
set(oss_resumable_program_dir "${PROJECT_BINARY_DIR}")
# A build directory of a multi-config generator may contain a debug and a release library.
get_property(oss_resumable_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(oss_resumable_multi_config)
    if(CMAKE_VERSION VERSION_LESS 3.20)
        message(FATAL_ERROR "liboss_resumable needs CMake 3.20 or newer with the generator ${CMAKE_GENERATOR}")
    endif()
    string(APPEND oss_resumable_lib_dir "/$<CONFIG>")
    string(APPEND oss_resumable_program_dir "/$<CONFIG>")
endif()

set(oss_resumable_abi "${PROJECT_VERSION_MAJOR}")
if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(oss_resumable_abi "0.${PROJECT_VERSION_MINOR}")
endif()
set(oss_resumable_soname "liboss_resumable.so.${oss_resumable_abi}")
set(oss_resumable_shared "${oss_resumable_lib_dir}/liboss_resumable.so.${PROJECT_VERSION}")
set(oss_resumable_static "${oss_resumable_lib_dir}/liboss_resumable.a")

# A generator expression for cargo's output directory, and cargo's arguments.
set(oss_resumable_profile "$<IF:$<CONFIG:Debug>,debug,release>")
set(oss_resumable_cargo_out "${oss_resumable_cargo_dir}/${oss_resumable_profile}")
set(oss_resumable_cargo_args "--profile=$<IF:$<CONFIG:Debug>,dev,release>" ${OSS_RESUMABLE_CARGO_FLAGS})
if(OSS_RESUMABLE_CARGO_TARGET)
    list(APPEND oss_resumable_cargo_args "--target=${OSS_RESUMABLE_CARGO_TARGET}")
    set(oss_resumable_cargo_out
        "${oss_resumable_cargo_dir}/${OSS_RESUMABLE_CARGO_TARGET}/${oss_resumable_profile}")
endif()

set(oss_resumable_cargo_command
    ${CMAKE_COMMAND} -E env "CARGO_TARGET_DIR=${oss_resumable_cargo_dir}" "${OSS_RESUMABLE_CARGO}")

set(oss_resumable_features "")
if(OSS_RESUMABLE_STATIC_CURL)
    set(oss_resumable_features "--features=static-curl")
endif()

# The command contains the library. Named together they have the same features of their dependencies; otherwise each would
# make the other one out of date, because cargo has one place for the library.
set(oss_resumable_packages --package=oss-resumable)
if(OSS_RESUMABLE_BUILD_COMMAND)
    list(APPEND oss_resumable_packages --package=oss-resumable-cli)
endif()

add_custom_target(oss_resumable_cargo ALL
    COMMAND ${oss_resumable_cargo_command} build ${oss_resumable_packages} --lib
            ${oss_resumable_features} ${oss_resumable_cargo_args}
    COMMAND ${CMAKE_COMMAND} -DFROM=${oss_resumable_cargo_out} -DTO=${oss_resumable_lib_dir}
            -DVERSION=${PROJECT_VERSION} -DABI=${oss_resumable_abi}
            -P ${PROJECT_SOURCE_DIR}/cmake/CopyLibraries.cmake
    BYPRODUCTS "${oss_resumable_shared}" "${oss_resumable_static}"
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "cargo build --lib"
    VERBATIM)

# Builds a program of the workspace and copies it to the top of the build directory or of its configuration. Arguments
# behind the package are further ones of cargo.
function(oss_resumable_cargo_program name package)
    add_custom_target(${name} ALL
        COMMAND ${oss_resumable_cargo_command} build --package=${package} --bins ${ARGN} ${oss_resumable_cargo_args}
        COMMAND ${CMAKE_COMMAND} -E copy_if_different "${oss_resumable_cargo_out}/${name}"
                "${oss_resumable_program_dir}/${name}"
        BYPRODUCTS "${oss_resumable_program_dir}/${name}"
        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
        COMMENT "cargo build --package=${package}"
        VERBATIM)
    # Only one cargo at a time can use the directory.
    add_dependencies(${name} oss_resumable_cargo)
endfunction()
