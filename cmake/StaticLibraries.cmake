# The libraries that a program needs to link liboss_resumable.a, besides libcurl and OpenSSL. The test static-libraries
# compares this list with rustc's (`--print native-static-libs`).
set(oss_resumable_static_libraries gcc_s util rt pthread m dl c)
