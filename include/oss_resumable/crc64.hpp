/**
 * @file crc64.hpp
 * @brief The checksum of OSS. Include oss_resumable.hpp instead.
 */
#ifndef OSS_RESUMABLE_CRC64_HPP
#define OSS_RESUMABLE_CRC64_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include "oss_resumable.h"

namespace oss_resumable {

/** The CRC-64 of OSS of bytes that may come piece by piece: `crc` is the checksum of the bytes
 * before these. See oss_resumable_crc64(). */
inline uint64_t Crc64(const void *data, size_t length, uint64_t crc = 0) {
    return oss_resumable_crc64(crc, data, length);
}
inline uint64_t Crc64(const std::string &bytes, uint64_t crc = 0) {
    return Crc64(bytes.data(), bytes.size(), crc);
}

} // namespace oss_resumable

#endif /* OSS_RESUMABLE_CRC64_HPP */
