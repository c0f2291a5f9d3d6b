// Operations with other credentials, for F# programs.
namespace Uring.FSharp

open System
open Uring.Driver
open Uring.Model

/// Credentials that the program's ring remembers. A process that gives up rights can keep a ring that opens files as the
/// user it was, or the other way round.
[<RequireQualifiedAccess>]
module Personality =

    /// Remembers the credentials that the ring's thread has now (Linux 5.6). Forget them with `use!`.
    let register: Uring<Personality> = Program.ofScope (fun scope -> Personality.Register scope.Loop)

    /// One operation with these credentials. Errors are exceptions. An ArgumentException on another ring: the number that
    /// stands for them would be somebody else's there.
    let perform (personality: Personality) (request: Request) : Uring<int> =
        Program.ofScope (fun scope ->
            if not (obj.ReferenceEquals(scope.Loop, personality.Loop)) then
                raise (
                    ArgumentException(
                        "These credentials are remembered by another ring.",
                        nameof personality
                    )
                )

            let signed = personality.Sign request
            scope.Loop.StartIn(scope.Group, &signed, false))

    /// Opens a path with these credentials; from then on the file asks no more whose it is.
    let openWith
        (personality: Personality)
        (flags: OpenFlags)
        (mode: IO.UnixFileMode)
        (path: string)
        : Uring<File> =
        uring {
            let! number = perform personality (FileRequest.openPath path flags mode)
            let! loop = Uring.loop
            return File(loop, loop.Own number, path)
        }
