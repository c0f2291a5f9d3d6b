// Decides how a transfer goes on after a result that is short of what was asked for, and when it is over. Knows no buffer.
// Tested in TransferLaws.fs; driven by Driver/Operation.fs, and for several memories by Api/Whole.fs.
namespace Uring.Model

/// How far a transfer goes.
[<Struct; RequireQualifiedAccess>]
type Goal =
    /// One step: what it has done is the result.
    | Step
    /// All of the bytes, or as many as there are: an end before is a result.
    | Most
    /// All of the bytes: an end before is an error.
    | All

/// What to do after a result.
///
/// Laws
///  1. it ends with all bytes, or with an error, or when nothing more comes or is taken: never short without a reason
///  2. what was transferred is never transferred again, and nothing is left out: of the memory, and of a file that has places
///  3. it ends: each step but the last transfers something
///  4. nothing more is an error for who wants all, and for nobody else
[<Struct; RequireQualifiedAccess>]
type TransferVerdict =
    /// Submit the rest.
    | Again
    /// All bytes have been transferred, or all that there were.
    | Complete
    /// It ends short: with the error that is the result.
    | Failed
    /// It ends short: nothing more comes, or is taken.
    | Stopped

/// The steps of a transfer; see `TransferVerdict` for the laws.
[<RequireQualifiedAccess>]
module Transfer =

    /// `left` bytes were submitted, with this result.
    let next goal (left: int64) (result: int) =
        if result < 0 then TransferVerdict.Failed
        elif int64 result >= left then TransferVerdict.Complete
        elif result > 0 then TransferVerdict.Again
        elif goal = Goal.All then TransferVerdict.Stopped
        else TransferVerdict.Complete

    /// It works at a place of its file, which moves with what is done: not at the file's own position, and not of a socket,
    /// whose submissions say something else there.
    let private hasPlace (submission: Submission) =
        Catalogue.uses Field.Offset submission.Opcode
        && not (Catalogue.isOfSocket false submission.Opcode)
        && submission.Offset <> OpFlags.CurrentPosition

    /// What is left to submit after so many bytes: the rest of the memory, further on in the file.
    let rest (moved: int) (submission: Submission) = {
        submission with
            Address = submission.Address + uint64 moved
            Length = submission.Length - uint32 moved
            Offset = if hasPlace submission then submission.Offset + uint64 moved else submission.Offset
    }
