# The targets that programs in this build link with; installed programs get theirs from OssResumableConfig.cmake.

include(cmake/StaticLibraries.cmake)

add_library(OssResumable::oss_resumable SHARED IMPORTED GLOBAL)
set_target_properties(OssResumable::oss_resumable PROPERTIES
    IMPORTED_LOCATION "${oss_resumable_shared}"
    IMPORTED_SONAME "${oss_resumable_soname}"
    INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include")
add_dependencies(OssResumable::oss_resumable oss_resumable_cargo)

# With a libcurl inside, a static library would replace the program's own or be replaced by it.
if(NOT OSS_RESUMABLE_STATIC_CURL)
    find_package(CURL 7.87 QUIET)
    find_package(OpenSSL 3 QUIET)
    if(CURL_FOUND AND OPENSSL_FOUND)
        add_library(OssResumable::static STATIC IMPORTED GLOBAL)
        set_target_properties(OssResumable::static PROPERTIES
            IMPORTED_LOCATION "${oss_resumable_static}"
            INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_SOURCE_DIR}/include"
            INTERFACE_LINK_LIBRARIES
                "CURL::libcurl;OpenSSL::SSL;OpenSSL::Crypto;${oss_resumable_static_libraries}")
        add_dependencies(OssResumable::static oss_resumable_cargo)
    endif()
endif()
