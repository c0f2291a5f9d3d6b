/// Operations with credentials that a ring remembers.
module Uring.Tests.Linux.PersonalityTests

open System
open System.Runtime.InteropServices
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

/// Of the calling thread alone, and with it the rights that root has over files.
[<DllImport("libc", EntryPoint = "setfsuid")>]
extern int private setfsuid(uint32 user)

[<DllImport("libc", EntryPoint = "geteuid")>]
extern uint32 private geteuid()

let private nobody = 65534u

let private dispose (personality: Personality) : Uring<unit> =
    uring { do! (personality :> IAsyncDisposable).DisposeAsync() }

/// The credentials of nobody, while the ring's thread is root before and after.
let private asNobody: Uring<Personality> =
    uring {
        setfsuid nobody |> ignore
        let! personality = Personality.register
        setfsuid 0u |> ignore
        return personality
    }

let private readOnly = OpenFlags.Read
let private secret = IO.UnixFileMode.UserRead ||| IO.UnixFileMode.UserWrite

[<Tests>]
let tests =
    testList "Personality" [
        testCase "another user's rights decide what can be opened" (fun () ->
            if geteuid () <> 0u then
                skiptest "only root can become another user, and this is not root"

            inFolder (fun folder ->
                let path = at folder "secret"
                IO.File.WriteAllText(path, "x")
                IO.File.SetUnixFileMode(path, secret)
                // The folder is 0700: nobody has to be let in, and let out again.
                IO.File.SetUnixFileMode(folder, enum<IO.UnixFileMode> 0o777)

                withLoop (fun host ->
                    let personality = runOn host asNobody

                    match
                        failureOf (fun () ->
                            runOn host (Personality.openWith personality readOnly secret path))
                    with
                    | :? UnauthorizedAccessException -> ()
                    | other -> failtest $"{other}"

                    let own =
                        uring {
                            use! file = File.openRead path
                            return file.Path
                        }

                    Expect.equal (runOn host own) path "as oneself"
                    let flags = OpenFlags.Write ||| OpenFlags.Create

                    let made =
                        runOn host (Personality.openWith personality flags secret (at folder "made"))

                    runOn host (File.close made)
                    // Only its owner and root may: it is nobody's own.
                    let again =
                        runOn host (Personality.openWith personality readOnly secret (at folder "made"))

                    runOn host (File.close again)
                    runOn host (dispose personality))))

        testCase "what is forgotten is used no more, and forgetting again does nothing" (fun () ->
            withLoop (fun host ->
                let personality = runOn host Personality.register
                Expect.isGreaterThan personality.Number 0 "number"
                Expect.equal (runOn host (Personality.perform personality nop)) 0 "nop"
                runOn host (dispose personality)
                runOn host (dispose personality)

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> runOn host (Personality.perform personality nop) |> ignore)
                    "forgotten"

                // The number is nobody's now: the kernel says so, too.
                let stale = {
                    nop with
                        Submission = { nop.Submission with Personality = uint16 personality.Number }
                }

                Expect.equal (errnoOf host stale) Errno.EINVAL "the kernel"))

        testCase "another ring knows nothing of them" (fun () ->
            withLoop (fun host ->
                let personality = runOn host Personality.register

                withLoop (fun other ->
                    Expect.throwsT<ArgumentException>
                        (fun () -> runOn other (Personality.perform personality nop) |> ignore)
                        "on another ring"

                    let descriptor = other.Loop.Own 0
                    GC.SuppressFinalize descriptor

                    Expect.throwsT<ArgumentException>
                        (fun () -> personality.Sign(FileRequest.sync descriptor false) |> ignore)
                        "on another ring's descriptor")

                runOn host (dispose personality)))

        testCase "they go with their ring" (fun () ->
            let personality = withLoop (fun host -> runOn host Personality.register)
            (personality :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "forgotten")
    ]
