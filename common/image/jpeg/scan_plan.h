// What a scan header means for the frame, and how the scan's blocks are read.
#pragma once

#include <memory>

#include "common/image/jpeg/dc_seam.h"
#include "common/image/jpeg/entropy.h"
#include "common/image/jpeg/frame.h"
#include "common/image/jpeg/tables.h"

namespace millrace {

// Of a progressive frame: notes which bits of which coefficients the scan brings. Sets `suspicious`
// to what is odd about them, if anything is; refuses what nobody can decode.
JpegRefusal NoteProgression(const JpegScan& scan, JpegFrame& frame, const char*& suspicious);

// What reads the scan's blocks; it refers to the frame, the tables and `dcs`. Of a scan that brings
// DC coefficients these are kept there; of others it is empty.
JpegRefusal PlanScan(const JpegScan& scan, JpegFrame& frame, JpegTables& defined,
                     DcCoefficients& dcs, std::unique_ptr<EntropyScan>& blocks);

}  // namespace millrace
