//! What people in a workspace may give, take and change: roles, members, invitations, keys.

use super::*;

/// A workspace with people in it, each with a pass of their own.
struct Team {
    desk: Desk,
    tenant: TenantId,
}

impl Team {
    fn new() -> Self {
        let desk = Desk::new();
        let tenant = desk.tenant();
        Self { desk, tenant }
    }

    fn person(&self, email: &str, role: Role) -> AccountId {
        let account = self.desk.account(email, no_hash());
        self.desk.grant(account, self.tenant, role);
        account
    }

    /// The pass that the policy gives this member.
    fn pass<R: Right>(&self, account: AccountId) -> Result<Pass<R>, Error> {
        let session = self.desk.session(account).id;
        let principal = Principal::Account { account, session, operator: false };
        Policy::pass(&self.desk.policy.choose_workspace(principal, Some(self.tenant))?)
    }

    /// Makes a change as this member.
    fn act<R: Right, T: Send + 'static>(
        &self,
        account: AccountId,
        change: impl Fn(&mut WriteTx<'_>, &Call, Pass<R>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let pass = self.pass::<R>(account)?;
        let call = Call { actor: Actor::Account(account), ..self.desk.call() };
        self.desk.write(move |tx| change(tx, &call, pass))
    }

    fn role(&self, by: AccountId, name: &str, permissions: Permissions) -> Result<RoleView, Error> {
        let new = NewRole { name: name.into(), permissions };
        self.act(by, move |tx, call, pass| custom_role::create(tx, call, pass, &new))
    }

    fn change_role(
        &self,
        by: AccountId,
        role: MemberRole,
        permissions: Permissions,
    ) -> Result<RoleView, Error> {
        let change = RoleChange { name: None, permissions: Some(permissions) };
        self.act(by, move |tx, call, pass| custom_role::change(tx, call, pass, role, &change))
    }

    fn give(&self, by: AccountId, to: AccountId, role: impl Into<MemberRole>) -> Result<MemberView, Error> {
        let role = role.into();
        self.act(by, move |tx, call, pass| member::change_role(tx, call, pass, to, role))
    }

    fn remove(&self, by: AccountId, whom: AccountId) -> Result<(), Error> {
        self.act(by, move |tx, call, pass| member::remove(tx, call, pass, whom))
    }

    fn invite(
        &self,
        by: AccountId,
        email: &str,
        role: impl Into<MemberRole>,
    ) -> Result<CreatedInvitation, Error> {
        let new = NewInvitation { email: Email::parse(email).unwrap(), role: role.into() };
        self.act(by, move |tx, call, pass| invitation::create(tx, call, pass, &new))
    }

    fn invited(&self, by: AccountId) -> Vec<InvitationView> {
        let (pass, now) = (self.pass(by).unwrap(), self.desk.now());
        let list = |tx: &crate::store::ReadTx| invitation::list(tx, now, pass, &PageRequest::default());
        self.desk.store.system().read(list).unwrap().items
    }

    fn join(&self, token: &Secret, account: AccountId) -> Result<TenantId, Error> {
        let (call, token) = (self.desk.call(), token.clone());
        self.desk.write(move |tx| invitation::join(tx, &call, &token, account))
    }

    fn look(&self, token: &Secret) -> Result<invitation::Invited, Error> {
        self.desk.store.system().read(|tx| invitation::look(tx, self.desk.now(), token))
    }

    fn actions(&self) -> Vec<audit::Action> {
        let pass = Pass::appliance_for(self.tenant, "test");
        let all = PageRequest { after: None, limit: Some(100) };
        let system = self.desk.store.system();
        let list =
            |tx: &crate::store::ReadTx| audit::list_of_appliance(tx, pass, &audit::Filter::default(), &all);
        let entries = system.read(list).unwrap().items;
        let ours = entries.iter().filter(|entry| entry.tenant == Some(self.tenant));
        let mut actions: Vec<_> = ours.map(|entry| entry.action).collect();
        actions.reverse();
        actions
    }
}

fn some(permissions: &[Permission]) -> Permissions {
    permissions.iter().copied().collect()
}

fn beyond<T: std::fmt::Debug>(done: Result<T, Error>) -> bool {
    matches!(done, Err(Error::BeyondOwnRights))
}

/// Row B6.
#[test]
fn a_custom_role_permits_exactly_what_is_in_it_and_a_change_counts_at_once() {
    let team = Team::new();
    let (owner, eve) = (team.person("owner@x", Role::Owner), team.person("eve@x", Role::Viewer));
    let role = team.role(owner, "Librarian", some(&[Permission::ReadKnowledge, Permission::WriteKnowledge]));
    let role = role.unwrap();
    team.give(owner, eve, role.id).unwrap();
    assert!(team.pass::<WriteKnowledge>(eve).is_ok() && team.pass::<ReadKnowledge>(eve).is_ok());
    assert!(matches!(team.pass::<ReadConversations>(eve), Err(Error::Forbidden)));
    assert!(matches!(team.pass::<ManageTenants>(eve), Err(Error::Forbidden)));
    let session = team.desk.session(eve).id;
    let principal = Principal::Account { account: eve, session, operator: false };
    let member = team.desk.policy.choose_workspace(principal, Some(team.tenant)).unwrap();
    assert!(team.desk.policy.recheck(&member, team.desk.now()).is_ok());

    team.change_role(owner, role.id, some(&[Permission::ReadKnowledge])).unwrap();
    assert!(matches!(team.pass::<WriteKnowledge>(eve), Err(Error::Forbidden)));
    assert!(team.desk.policy.recheck(&member, team.desk.now()).is_err(), "what the role permits has changed");
    let delete = |id| team.act(owner, move |tx, call, pass| custom_role::delete(tx, call, pass, id));
    assert!(matches!(delete(role.id), Err(Error::RoleInUse)));
    assert!(matches!(delete(Role::Viewer.into()), Err(Error::RoleBuiltIn)));
    team.give(owner, eve, Role::Viewer).unwrap();
    let invitation = team.invite(owner, "new@x", role.id).unwrap();
    assert!(matches!(delete(role.id), Err(Error::RoleInUse)), "somebody is invited to it");
    let id = invitation.invitation.id;
    team.act(owner, move |tx, call, pass| invitation::revoke(tx, call, pass, id)).unwrap();
    delete(role.id).unwrap();
    assert!(matches!(team.give(owner, eve, role.id), Err(Error::RoleUnknown)));
    assert!(matches!(delete(role.id), Err(Error::NotFound)));
    use audit::Action::*;
    assert_eq!(
        team.actions(),
        [
            MemberJoined,
            MemberJoined,
            RoleCreated,
            MemberRoleChanged,
            RoleChanged,
            MemberRoleChanged,
            MemberInvited,
            InvitationRevoked,
            RoleDeleted
        ]
    );
}

#[test]
fn nobody_gives_more_than_they_have_and_nobody_touches_who_has_more() {
    let team = Team::new();
    let (owner, admin) = (team.person("owner@x", Role::Owner), team.person("admin@x", Role::Admin));
    let agent = team.person("agent@x", Role::Agent);
    assert!(matches!(team.give(agent, agent, Role::Admin), Err(Error::Forbidden)));
    assert!(beyond(team.give(admin, agent, Role::Owner)));
    assert!(beyond(team.give(admin, admin, Role::Owner)));
    assert!(beyond(team.give(admin, owner, Role::Viewer)) && beyond(team.remove(admin, owner)));
    assert!(beyond(team.invite(admin, "new@x", Role::Owner)));
    assert!(beyond(team.role(admin, "Eraser", some(&[Permission::EraseWorkspace]))));
    let eraser = team.role(owner, "Eraser", some(&[Permission::EraseWorkspace])).unwrap();
    assert!(beyond(team.give(admin, agent, eraser.id)) && beyond(team.invite(admin, "new@x", eraser.id)));
    assert!(beyond(team.change_role(admin, eraser.id, some(&[Permission::ReadKnowledge]))), "not even less");
    // A role may have all of an owner's permissions and is still none.
    let all = team.role(owner, "Deputy", Permissions::of_workspace()).unwrap();
    team.give(owner, admin, all.id).unwrap();
    assert!(beyond(team.give(admin, agent, Role::Owner)) && beyond(team.remove(admin, owner)));
    let hr = team.role(owner, "People", some(&[Permission::ManageMembers, Permission::ReadMembers])).unwrap();
    team.give(owner, agent, hr.id).unwrap();
    assert!(beyond(team.give(agent, admin, hr.id)) && beyond(team.remove(agent, admin)));
    let key = NewApiKey { permissions: some(&[Permission::ReadKnowledge]), ..agent_key() };
    let made = team.act(admin, move |tx, call, pass| api_key::create(tx, call, pass, &key));
    assert!(made.is_ok());
    let keeper = some(&[Permission::ManageApiKeys, Permission::ReadKnowledge]);
    let keeper = team.role(owner, "Keys", keeper).unwrap();
    team.give(owner, agent, keeper.id).unwrap();
    let of_agent = |permission| {
        let key = NewApiKey { permissions: some(&[permission]), ..agent_key() };
        team.act(agent, move |tx, call, pass| api_key::create(tx, call, pass, &key))
    };
    assert!(beyond(of_agent(Permission::TakePart)));
    assert!(of_agent(Permission::ReadKnowledge).is_ok());
    let left = of_agent(Permission::ManageMembers).unwrap_err();
    assert_eq!((left.code(), left.field()), ("api_key_permission_invalid", Some("/permissions")));
}

#[test]
fn the_last_owner_stays_and_what_a_removed_member_offered_is_taken_back() {
    let team = Team::new();
    let (owner, admin) = (team.person("owner@x", Role::Owner), team.person("admin@x", Role::Admin));
    assert!(matches!(team.remove(owner, owner), Err(Error::LastOwner)));
    assert!(matches!(team.give(owner, owner, Role::Admin), Err(Error::LastOwner)));
    team.give(owner, admin, Role::Owner).unwrap();
    team.give(owner, owner, Role::Admin).unwrap();
    let invitation = team.invite(owner, "friend@x", Role::Agent).unwrap();
    let kept = team.invite(admin, "kept@x", Role::Agent).unwrap();
    team.remove(admin, owner).unwrap();
    assert!(matches!(team.pass::<ReadKnowledge>(owner), Err(Error::NotFound)), "no longer a member");
    assert!(matches!(team.look(&invitation.token), Err(Error::InvitationUnknown)));
    assert_eq!(team.look(&kept.token).unwrap().email.as_str(), "kept@x");
    assert!(matches!(team.remove(admin, owner), Err(Error::NotFound)));
}

#[test]
fn an_invitation_is_for_one_address_for_seven_days_and_for_one_use() {
    let team = Team::new();
    let (owner, foreign) = (team.person("owner@x", Role::Owner), Team::new());
    let (bob, eve) = (team.desk.account("Bob@x", no_hash()), team.desk.account("eve@x", no_hash()));
    let first = team.invite(owner, "bob@x", Role::Viewer).unwrap();
    let made = team.invite(owner, "BOB@x", Role::Agent).unwrap();
    assert!(matches!(team.look(&first.token), Err(Error::InvitationUnknown)), "the second took its place");
    assert!(team.look(&made.token).unwrap().account_exists);
    assert_eq!((team.invited(owner).len(), team.invited(owner)[0].invited_by.as_str()), (1, "Ada"));
    assert!(matches!(foreign.look(&made.token), Err(Error::InvitationUnknown)));
    assert!(matches!(team.join(&made.token, eve), Err(Error::InvitationForOther)));
    team.desk.clock.advance(invitation::INVITATION_LIFE - Duration::from_secs(1));
    assert_eq!(team.join(&made.token, bob).unwrap(), team.tenant);
    assert!(team.pass::<TakePart>(bob).is_ok());
    assert!(matches!(team.join(&made.token, bob), Err(Error::InvitationUnknown)), "used up");
    assert!(matches!(team.invite(owner, "bob@x", Role::Agent), Err(Error::AlreadyMember)));
    let late = team.invite(owner, "eve@x", Role::Agent).unwrap();
    team.desk.clock.advance(invitation::INVITATION_LIFE);
    assert!(matches!(team.join(&late.token, eve), Err(Error::InvitationUnknown)));
    assert!(team.invited(owner).is_empty());

    let fresh = team.invite(owner, "new@x", Role::Viewer).unwrap();
    assert!(!team.look(&fresh.token).unwrap().account_exists);
    let mut rows = Vec::new();
    let look = |tx: &crate::store::ReadTx| {
        tx.walk("identity.invitation", &Scan::all(10), &mut |_, value| {
            rows.push(value.to_vec());
            Ok(())
        })
    };
    team.desk.store.system().read(look).unwrap();
    let token = fresh.token.expose().as_bytes();
    assert!(!rows.is_empty() && !rows.iter().any(|row| row.windows(token.len()).any(|part| part == token)));
    for number in 0..invitation::INVITATIONS_MAX - 1 {
        team.invite(owner, &format!("{number}@y"), Role::Viewer).unwrap();
    }
    assert!(matches!(team.invite(owner, "more@y", Role::Viewer), Err(Error::TooMany { count_max: 100, .. })));
    team.desk.clock.advance(invitation::INVITATION_LIFE);
    team.invite(owner, "more@y", Role::Viewer).unwrap();
}

#[test]
fn a_workspace_makes_at_most_fifty_roles_each_with_a_name_of_its_own() {
    let team = Team::new();
    let owner = team.person("owner@x", Role::Owner);
    let one = some(&[Permission::ReadKnowledge]);
    for taken in ["Owner", "viewer", " ADMIN "] {
        assert!(matches!(team.role(owner, taken, one), Err(Error::RoleNameTaken)), "{taken}");
    }
    for number in 0..custom_role::ROLES_MAX {
        team.role(owner, &format!("Role {number}"), one).unwrap();
    }
    assert!(matches!(team.role(owner, "One more", one), Err(Error::TooMany { count_max: 50, .. })));
    let pass = team.pass(owner).unwrap();
    let roles = team.desk.store.system().read(|tx| custom_role::list(tx, pass)).unwrap();
    assert_eq!(roles.len(), 54);
    assert!(roles[3].id.is_owner() && roles[3].members == 1 && roles[4..].iter().all(|role| !role.built_in));
}
