// What a user sees where io_uring is refused. In the namespace that C# users open, because they have to catch it.
namespace Uring

open System
open Uring.Model

/// io_uring cannot be used here. The message names the cause and what to do about it.
[<Sealed>]
type UringUnavailableException(refusal: Refusal, message: string) =
    inherit PlatformNotSupportedException(message)
    /// The cause, for programs.
    member _.Refusal = refusal
